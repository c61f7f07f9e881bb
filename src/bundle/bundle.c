/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.c -- see bundle.h.  Names of files in the bundle are fixed: nothing that a record says
 * becomes one.  Records are not changed, so what is hostile in them is still there, in
 * records.jsonl, as JSON, which has no control characters. */
#include "bundle/bundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bundle/bundle_texts.h"
#include "wire/json_put.h"

enum { TEXT_SIZE_MAX = 1 << 30, PROOF_LINE_SIZE = 256 };

#define SUFFIX   ".tar.zst"
#define MANIFEST "manifest-sha256.txt"

struct writing {
    struct archive archive;
    struct buf manifest, text;
    const struct evidence *evidence;
};

bool bundle_name(const char *path, char out[ARCHIVE_NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t size = strlen(base);

    if (size <= strlen(SUFFIX) || size > ARCHIVE_NAME_MAX ||
        strcmp(base + size - strlen(SUFFIX), SUFFIX) != 0)
        return false;
    size -= strlen(SUFFIX);
    if (strspn(base, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") < size ||
        base[0] == '.' || base[0] == '-')
        return false;
    memcpy(out, base, size);
    out[size] = 0;
    return true;
}

static void hex_put(const void *data, size_t size, char *out)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 0xf];
    }
    out[2 * size] = 0;
}

static enum status add(struct writing *writing, const char *name, bool is_program,
                       struct slice content, struct error *err)
{
    struct hash hash = hash_bytes(content);
    char line[PROOF_LINE_SIZE], hex[2 * HASH_SIZE + 1];

    hex_put(&hash, sizeof(hash), hex);
    int size = snprintf(line, sizeof(line), "%s  %s\n", hex, name);
    enum status st = buf_append(&writing->manifest, line, (size_t)size, err);
    return st == ST_OK ? archive_add(&writing->archive, name, is_program, content, err) : st;
}

/* --- Records --------------------------------------------------------------------------------- */

static enum status add_lines(struct writing *writing, const char *name, bool is_proved,
                             struct error *err)
{
    const struct evidence *evidence = writing->evidence;
    enum status st = ST_OK;

    buf_clear(&writing->text);
    for (size_t i = 0; i < evidence->count && st == ST_OK; i++) {
        const struct evidence_record *record = &evidence->records[i];
        if ((record->why == NULL) == is_proved)
            st =
                buf_append(&writing->text, evidence->lines.data + record->start, record->size, err);
    }
    return st == ST_OK ? add(writing, name, false, buf_slice(&writing->text), err) : st;
}

static enum status add_proof(struct writing *writing, struct error *err)
{
    const struct evidence *evidence = writing->evidence;
    char line[PROOF_LINE_SIZE], hex[2 * HASH_SIZE + 1];

    buf_clear(&writing->text);
    enum status st = buf_append(&writing->text, "telltale-evidence/1\n", 20, err);
    for (size_t i = 0; i < evidence->count && st == ST_OK; i++) {
        const struct evidence_record *record = &evidence->records[i];
        if (record->why != NULL)
            continue;
        hex_put(record->salt.bytes, sizeof(record->salt.bytes), hex);
        int size = snprintf(line, sizeof(line), "record %" PRIu64 " %016" PRIx64 " %s %s\n",
                            record->index, record->sequence, hex, record->file); /* fits */
        st = buf_append(&writing->text, line, (size_t)size, err);
    }
    for (size_t at = 0; at < evidence->nodes.size && st == ST_OK; at += HASH_SIZE) {
        hex_put(evidence->nodes.data + at, HASH_SIZE, hex);
        int size = snprintf(line, sizeof(line), "node %s\n", hex);
        st = buf_append(&writing->text, line, (size_t)size, err);
    }
    return st == ST_OK ? add(writing, "proof.txt", false, buf_slice(&writing->text), err) : st;
}

static enum status add_uncovered(struct writing *writing, struct error *err)
{
    const struct evidence *evidence = writing->evidence;
    char line[PROOF_LINE_SIZE];
    uint64_t number = 0;

    enum status st = add_lines(writing, "uncovered.jsonl", false, err);
    buf_clear(&writing->text);
    for (size_t i = 0; i < evidence->count && st == ST_OK; i++) {
        const struct evidence_record *record = &evidence->records[i];
        if (record->why == NULL)
            continue;
        int size = snprintf(line, sizeof(line), "%" PRIu64 " %s %s\n", ++number, record->file,
                            record->why);
        st = buf_append(&writing->text, line, (size_t)size, err);
    }
    return st == ST_OK ? add(writing, "uncovered.txt", false, buf_slice(&writing->text), err) : st;
}

/* --- Custody --------------------------------------------------------------------------------- */

static void put_text(struct json_put *json, struct slice key, const char *text)
{
    json_put(json, key);
    if (text != NULL)
        json_put_text(json, slice_of_text(text));
    else
        json_put(json, SLICE("null"));
}

static void put_count(struct json_put *json, struct slice key, uint64_t value)
{
    json_put(json, key);
    json_put_uint(json, value);
}

static void put_who(struct json_put *json, const struct custody *custody)
{
    json_put(json, SLICE("{\n  \"format\": \"telltale-custody/1\",\n  \"time\": "));
    json_put_time(json, custody->unix_ns);
    put_count(json, SLICE(",\n  \"monotonic_ns\": "), custody->monotonic_ns);
    put_text(json, SLICE(",\n  \"host\": "), custody->host);
    put_text(json, SLICE(",\n  \"boot_id\": "), custody->boot_id);
    put_count(json, SLICE(",\n  \"uid\": "), custody->uid);
    put_text(json, SLICE(",\n  \"user\": "), custody->user);
    put_text(json, SLICE(",\n  \"by\": "), custody->by);
    put_text(json, SLICE(",\n  \"reason\": "), custody->reason);
    put_text(json, SLICE(",\n  \"case\": "), custody->case_id);
    put_text(json, SLICE(",\n  \"version\": "), custody->version);
    json_put(json, SLICE(",\n  \"program_sha256\": "));
    if (custody->has_program)
        json_put_hex(json, slice_of(custody->program.bytes, HASH_SIZE));
    else
        json_put(json, SLICE("null"));
    put_text(json, SLICE(",\n  \"store\": "), custody->store_dir);
    json_put(json, SLICE(",\n  \"question\": ["));
    for (size_t i = 0; i < custody->question_count; i++)
        put_text(json, i > 0 ? SLICE(", ") : SLICE(""), custody->question[i]);
    json_put(json, SLICE("]"));
}

static void put_what(struct json_put *json, const struct custody *custody,
                     const struct evidence *evidence)
{
    const struct key_judgement *judgement = &evidence->judgement;
    bool has_checkpoint = evidence->checkpoint.size > 0;

    put_text(json, SLICE(",\n  \"origin\": "), has_checkpoint ? evidence->checkpoint.origin : NULL);
    put_count(json, SLICE(",\n  \"checkpoint_size\": "), evidence->checkpoint.size);
    put_count(json, SLICE(",\n  \"epoch\": "), judgement->epoch);
    json_put(json, SLICE(",\n  \"is_key_trusted\": "));
    json_put(json, judgement->is_anchored ? SLICE("true") : SLICE("false"));
    put_count(json, SLICE(",\n  \"records\": "), evidence->proved_count);
    put_count(json, SLICE(",\n  \"uncovered_records\": "),
              evidence->count - evidence->proved_count);
    put_text(json, SLICE(",\n  \"nothing_proved_because\": "),
             evidence->why[0] != 0 ? evidence->why : NULL);
    put_count(json, SLICE(",\n  \"store_deleted_files\": "), evidence->deleted_files);
    put_count(json, SLICE(",\n  \"store_deleted_records\": "), evidence->deleted_lines);
    put_count(json, SLICE(",\n  \"store_erased_records\": "), evidence->erased_lines);
    put_count(json, SLICE(",\n  \"store_damaged_files\": "), evidence->damaged_files);
    put_count(json, SLICE(",\n  \"store_holds\": "), custody->holds);
    json_put(json, SLICE("\n}\n"));
}

static enum status add_custody(struct writing *writing, const struct custody *custody,
                               struct error *err)
{
    struct json_put json;

    buf_clear(&writing->text);
    json_start(&json, &writing->text, err);
    put_who(&json, custody);
    put_what(&json, custody, writing->evidence);
    enum status st = json_finish(&json);
    return st == ST_OK ? add(writing, "custody.json", false, buf_slice(&writing->text), err) : st;
}

/* --- All of it ------------------------------------------------------------------------------- */

static enum status add_all(struct writing *writing, const struct custody *custody,
                           struct error *err)
{
    const struct evidence *evidence = writing->evidence;

    enum status st =
        add(writing, "README.txt", false, slice_of(bundle_readme, bundle_readme_size), err);
    if (st == ST_OK)
        st = add(writing, "checkpoint.txt", false, buf_slice(&evidence->note), err);
    if (st == ST_OK)
        st = add_custody(writing, custody, err);
    if (st == ST_OK)
        st = add(writing, "keys.jsonl", false, buf_slice(&evidence->keys), err);
    if (st == ST_OK)
        st = add_proof(writing, err);
    if (st == ST_OK)
        st = add_lines(writing, "records.jsonl", true, err);
    if (st == ST_OK)
        st = add_uncovered(writing, err);
    if (st == ST_OK)
        st =
            add(writing, "verify.py", true, slice_of(bundle_verify_py, bundle_verify_py_size), err);
    if (st == ST_OK)
        st =
            add(writing, "verify.sh", true, slice_of(bundle_verify_sh, bundle_verify_sh_size), err);
    return st == ST_OK
               ? archive_add(&writing->archive, MANIFEST, false, buf_slice(&writing->manifest), err)
               : st;
}

enum status bundle_write(const char *path, const struct evidence *evidence,
                         const struct custody *custody, struct hash *ret_manifest,
                         struct error *err)
{
    struct writing writing = {.evidence = evidence};
    char name[ARCHIVE_NAME_MAX + 1];

    if (!bundle_name(path, name))
        return error_set(err, ST_INVALID,
                         "'%s' is not the name of a bundle: letters, digits, '.', '_', '-', then "
                         "'%s'; at most %d characters",
                         path, SUFFIX, ARCHIVE_NAME_MAX);
    enum status st = archive_create(&writing.archive, path, name, err);
    if (st != ST_OK)
        return st;
    buf_init(&writing.manifest, TEXT_SIZE_MAX);
    buf_init(&writing.text, TEXT_SIZE_MAX);
    st = add_all(&writing, custody, err);
    if (st == ST_OK) {
        *ret_manifest = hash_bytes(buf_slice(&writing.manifest));
        st = archive_finish(&writing.archive, err);
    } else {
        archive_abandon(&writing.archive);
    }
    buf_fini(&writing.manifest);
    buf_fini(&writing.text);
    return st;
}
