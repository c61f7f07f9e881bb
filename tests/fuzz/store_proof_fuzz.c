/* SPDX-License-Identifier: Apache-2.0 */
/* store_proof_fuzz.c -- any bytes as the files that prove a store.  The first byte chooses:
 *
 * 0: lines of a .proof; each is refused or comes out as it went in when it is written again
 * 1: lines of manifest.jsonl, likewise but for the chain; and compaction of them
 * 2: lines of keys.jsonl, and behind an empty line a checkpoint that is judged
 * 3: a signed note, as a note, a checkpoint, a certificate and a tlog-proof
 * 4: lines of checkpoints.jsonl
 * 5: a verifier key and a private key
 * 6: a proof of inclusion, of consistency and of a set, in binary
 * 7: how a tree grew; what is proved from any of its sizes is right */
#include <stdlib.h>

#include "telltale/checkpoint_line.h"
#include "telltale/key_chain.h"
#include "telltale/merkle_proof.h"
#include "telltale/store_manifest.h"
#include "telltale/store_proof.h"
#include "telltale/tlog_proof.h"
#include "telltale/tree_growth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 8 << 20, MODES = 8, SET_MAX = 64 };

static struct error err;
static struct buf out;

static bool take_line(struct slice *rest, struct slice *ret)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;

    *ret = end == NULL ? *rest : slice_of(rest->data, (size_t)(end - rest->data));
    bool any = rest->size > 0;
    *rest = slice_from(*rest, ret->size + 1);
    return any;
}

static void write_proof_line(const struct store_proof_line *line)
{
    enum status st = ST_OK;

    buf_clear(&out);
    switch (line->kind) {
    case STORE_PROOF_HEAD:
        st = store_proof_put_head(&line->head, &out, &err);
        break;
    case STORE_PROOF_STATE:
        st = store_proof_put_state(&line->state, &out, &err);
        break;
    case STORE_PROOF_KEPT:
        st = store_proof_put_kept(line->kept.salts, line->kept.count, &out, &err);
        break;
    case STORE_PROOF_ERASED:
        st = store_proof_put_erased(&line->erased, &out, &err);
        break;
    }
    ASSERT(st == ST_OK);
}

static void try_proof(struct slice rest)
{
    static struct store_proof_line line, again;
    struct store_proof_reader reader, before;
    struct slice text;

    store_proof_reader_init(&reader);
    while (take_line(&rest, &text)) {
        before = reader;
        if (store_proof_read_line(&reader, text, &line, &err) != ST_OK)
            continue;
        write_proof_line(&line);
        reader = before;
        ASSERT(store_proof_read_line(&reader, slice_of(out.data, out.size - 1), &again, &err) ==
               ST_OK);
        ASSERT(again.kind == line.kind);
    }
}

static void compact(struct slice rest,
                    enum status (*pass)(void *, struct slice, uint64_t, struct error *),
                    struct manifest_compactor *compactor, bool *good)
{
    struct slice text;

    while (*good && take_line(&rest, &text))
        *good = pass(compactor, text, 0, &err) == ST_OK;
}

static void try_manifest(struct slice rest)
{
    struct manifest_chain chain = {.lines = 0}, other;
    static struct manifest_fact fact, again;
    struct manifest_compactor *compactor;
    struct slice all = rest, text;
    bool good = true;

    while (take_line(&rest, &text)) {
        enum status st = manifest_read_line(text, &chain, &fact, &err);
        if (st != ST_OK && st != ST_CORRUPT)
            continue;
        buf_clear(&out);
        struct manifest_chain start = other = (struct manifest_chain){.lines = 0};
        ASSERT(manifest_put(&fact, &other, &out, &err) == ST_OK);
        ASSERT(manifest_read_line(slice_of(out.data, out.size - 1), &start, &again, &err) == ST_OK);
        ASSERT(again.kind == fact.kind);
    }
    ASSERT(manifest_compact_create(1, &compactor, &err) == ST_OK);
    compact(all, manifest_compact_look, compactor, &good);
    compact(all, manifest_compact_write, compactor, &good);
    if (good)
        (void)(manifest_compact_finish(compactor, &text, &chain, &err) == ST_OK); /* any end */
    manifest_compact_destroy(compactor);
}

static void try_keys(struct slice rest)
{
    struct key_chain *chain;
    struct checkpoint checkpoint;
    struct key_judgement judgement;
    struct slice text;

    ASSERT(key_chain_create(NULL, &chain, &err) == ST_OK);
    while (take_line(&rest, &text) && text.size > 0)
        (void)(key_chain_read_line(chain, text, 0, &err) == ST_OK); /* or not: reading goes on */
    key_chain_judge(chain, rest, &checkpoint, &judgement, &err);
    for (size_t i = 0; i < key_chain_count(chain); i++)
        (void)key_chain_epoch(chain, i);
    key_chain_destroy(chain);
}

static void try_note(struct slice bytes)
{
    static struct note note;
    static struct tlog_proof proof;
    struct checkpoint checkpoint;
    struct epoch_certificate certificate;

    if (tlog_proof_parse(bytes, &proof, &err) == ST_OK) {
        buf_clear(&out);
        ASSERT(tlog_proof_put(proof.index, proof.has_entry ? proof.entry : NULL, &proof.path,
                              proof.checkpoint_note, &out, &err) == ST_OK);
        ASSERT(tlog_proof_parse(buf_slice(&out), &proof, &err) == ST_OK);
    }
    if (note_parse(bytes, &note, &err) != ST_OK)
        return;
    ASSERT(note.count > 0 && note.text.data[note.text.size - 1] == '\n');
    if (checkpoint_parse(note.text, &checkpoint, &err) == ST_OK) {
        buf_clear(&out);
        if (checkpoint_put(&checkpoint, &out, &err) == ST_OK)
            ASSERT(slice_starts_with(note.text, buf_slice(&out)));
    }
    if (epoch_certificate_parse(note.text, &certificate, &err) == ST_OK) {
        buf_clear(&out);
        ASSERT(epoch_certificate_put(&certificate, &out, &err) == ST_OK);
        ASSERT(slice_equal(note.text, buf_slice(&out)));
    }
}

static void try_checkpoints(struct slice rest)
{
    struct slice text;
    uint64_t unix_ns;

    while (take_line(&rest, &text))
        (void)(checkpoint_line_read(text, &unix_ns, &out, &err) == ST_OK); /* or not */
}

static void try_keys_as_text(struct slice text)
{
    struct note_vkey vkey;
    struct note_signer signer;
    char written[NOTE_SKEY_SIZE];

    if (note_vkey_parse(text, &vkey, &err) == ST_OK) {
        note_vkey_format(&vkey, written);
        ASSERT(slice_equal(text, slice_of_text(written)));
    }
    if (note_signer_parse(text, &signer, &err) == ST_OK) {
        note_signer_format(&signer, written);
        ASSERT(slice_equal(text, slice_of_text(written)));
    }
}

static void try_merkle(struct slice bytes)
{
    static struct merkle_path path;
    static struct hash proof[SET_MAX], leaves[SET_MAX] = {[1] = {{1}}};
    static struct merkle_part parts[SET_MAX];
    uint64_t numbers[2 + SET_MAX] = {0};
    size_t needed;

    memcpy(numbers, bytes.data, bytes.size < sizeof(numbers) ? bytes.size : sizeof(numbers));
    path.count = bytes.size % (MERKLE_PATH_MAX + 2);
    ASSERT(merkle_check_inclusion(&leaves[0], numbers[0], numbers[1], &path, &leaves[1], &err) !=
           ST_OK);
    ASSERT(merkle_check_consistency(numbers[0], &leaves[0], numbers[1], &proof[0], &path, &err) !=
               ST_OK ||
           numbers[0] == numbers[1]);
    size_t count = bytes.size / 8 % SET_MAX;
    if (merkle_set_parts(numbers + 2, count, numbers[1], parts, SET_MAX, &needed, &err) == ST_OK)
        ASSERT(needed <= 63 * count + 1);
    (void)(merkle_check_set(numbers + 2, leaves, count, numbers[1], proof, SET_MAX, &leaves[1],
                            &err) == ST_OK); /* zeros prove nothing */
}

static void try_growth(struct slice text)
{
    static struct tree_growth growth;
    struct merkle_range first, next;
    struct merkle_path path;
    struct hash old_root, root;

    if (tree_growth_read(text, &growth, &err) != ST_OK)
        return;
    buf_clear(&out);
    ASSERT(tree_growth_put(&growth, &out, &err) == ST_OK);
    ASSERT(slice_equal(text, buf_slice(&out)));
    tree_growth_root(&growth, &root);
    for (size_t i = 1; i < growth.count; i++) {
        tree_growth_join(&growth, 0, i, &first);
        tree_growth_join(&growth, i, growth.count, &next);
        merkle_range_root(&first, &old_root);
        ASSERT(tree_growth_prove(&first, &next, &path, &err) == ST_OK);
        ASSERT(merkle_check_consistency(first.end, &old_root, next.end, &root, &path, &err) ==
               ST_OK);
    }
    tree_growth_step(&growth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct slice rest = slice_of(data + 1, size - 1);
    buf_init(&out, OUT_MAX);
    switch (data[0] % MODES) {
    case 0:
        try_proof(rest);
        break;
    case 1:
        try_manifest(rest);
        break;
    case 2:
        try_keys(rest);
        break;
    case 3:
        try_note(rest);
        break;
    case 4:
        try_checkpoints(rest);
        break;
    case 5:
        try_keys_as_text(rest);
        break;
    case 6:
        try_merkle(rest);
        break;
    default:
        try_growth(rest);
        break;
    }
    buf_fini(&out);
    return 0;
}
