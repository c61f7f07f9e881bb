/* SPDX-License-Identifier: Apache-2.0 */
/* signed_note_test.c -- notes and keys as Go's sumdb/note writes them, checkpoints, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "telltale/checkpoint.h"
#include "telltale/merkle_range.h"

/* From the documentation of golang.org/x/mod/sumdb/note. */
static const char known_vkey[] =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char known_skey[] =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char known_text[] = "If you think cryptography is the answer to your problem,\n"
                                 "then you don't know what your problem is.\n";
static const char known_note[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static struct error err;
static struct buf out;
static struct note note;

static int make_room(void **state)
{
    (void)state;
    buf_init(&out, 4 * NOTE_SIZE_MAX);
    return 0;
}

static int give_room_back(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static enum status parse(const char *text)
{
    return note_parse(slice_of_text(text), &note, &err);
}

static void test_note_of_others_is_read_and_made_to_the_byte(void **state)
{
    struct note_signer signer;
    const struct note_signer *const signers[] = {&signer};
    struct note_vkey vkey;
    char text[NOTE_SKEY_SIZE];
    (void)state;

    assert_int_equal(note_vkey_parse(slice_of_text(known_vkey), &vkey, &err), ST_OK);
    assert_string_equal(vkey.name, "PeterNeumann");
    assert_int_equal(vkey.id, 0xc74f20a3);
    note_vkey_format(&vkey, text);
    assert_string_equal(text, known_vkey);

    assert_int_equal(note_signer_parse(slice_of_text(known_skey), &signer, &err), ST_OK);
    assert_true(note_vkey_equal(&signer.vkey, &vkey));
    note_signer_format(&signer, text);
    assert_string_equal(text, known_skey);

    buf_clear(&out);
    assert_int_equal(note_sign(slice_of_text(known_text), signers, 1, &out, &err), ST_OK);
    assert_int_equal(out.size, strlen(known_note));
    assert_memory_equal(out.data, known_note, out.size);

    assert_int_equal(parse(known_note), ST_OK);
    assert_int_equal(note.count, 1);
    assert_true(slice_equal(note.text, slice_of_text(known_text)));
    assert_int_equal(note_verify(&note, &vkey, NULL, &err), ST_OK);
    note_signer_wipe(&signer);
    for (size_t i = 0; i < sizeof(signer); i++)
        assert_int_equal(((const uint8_t *)&signer)[i], 0);
}

/* No byte of the text, of the key's name or of the signature can be another one. */
static void test_every_flipped_byte_is_noticed(void **state)
{
    char copy[sizeof(known_note)];
    struct note_vkey vkey;
    (void)state;
    assert_int_equal(note_vkey_parse(slice_of_text(known_vkey), &vkey, &err), ST_OK);
    for (size_t i = 0; i + 1 < sizeof(known_note); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, known_note, sizeof(copy));
            copy[i] = (char)(copy[i] ^ (1 << bit));
            enum status st = note_parse(slice_of(copy, sizeof(copy) - 1), &note, &err);
            if (st == ST_OK)
                st = note_verify(&note, &vkey, NULL, &err);
            assert_int_not_equal(st, ST_OK);
        }
    }
}

static void test_signatures_of_others_are_passed_over(void **state)
{
    struct note_signer mine, other;
    const struct note_signer *const signers[] = {&other, &mine};
    (void)state;
    assert_int_equal(note_signer_make(SLICE("example.com/log"), &mine, &err), ST_OK);
    assert_int_equal(note_signer_make(SLICE("example.com/log"), &other, &err), ST_OK);
    buf_clear(&out);
    assert_int_equal(note_sign(SLICE("a\n\nb\n"), signers, 2, &out, &err), ST_OK);
    assert_int_equal(note_parse(buf_slice(&out), &note, &err), ST_OK);
    assert_true(slice_equal(note.text, SLICE("a\n\nb\n")));
    assert_int_equal(note.count, 2);
    assert_int_equal(note_verify(&note, &mine.vkey, NULL, &err), ST_OK);
    assert_int_equal(note_verify(&note, &other.vkey, NULL, &err), ST_OK);
    assert_int_equal(note_signer_make(SLICE("example.com/log"), &other, &err), ST_OK);
    assert_int_equal(note_verify(&note, &other.vkey, NULL, &err), ST_NOT_FOUND);
    other.vkey.id = mine.vkey.id; /* as somebody who looks for one that collides */
    assert_int_equal(note_verify(&note, &other.vkey, NULL, &err), ST_CORRUPT);
}

/* One wrong signature of a key spoils the note, though another one of it is good. */
static void test_wrong_signature_beside_a_good_one_counts(void **state)
{
    struct note_signer signer;
    const struct note_signer *const signers[] = {&signer};
    (void)state;
    assert_int_equal(note_signer_make(SLICE("log"), &signer, &err), ST_OK);
    buf_clear(&out);
    assert_int_equal(note_sign(SLICE("text\n"), signers, 1, &out, &err), ST_OK);
    assert_int_equal(note_sign_line(SLICE("other\n"), &signer, &out, &err), ST_OK);
    assert_int_equal(note_parse(buf_slice(&out), &note, &err), ST_OK);
    assert_int_equal(note_verify(&note, &signer.vkey, NULL, &err), ST_CORRUPT);
}

static void test_what_is_no_note_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n\n",
        "text",
        "text\n",
        "text\n\n",
        "text\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA",         /* no end */
        "text\n\n- name AAAAAAAA\n",       /* another dash */
        "text\n\n—  AAAAAAAA\n",           /* no name */
        "text\n\n— name\n",                /* no signature */
        "text\n\n— name AAAA\n",           /* too short for one */
        "text\n\n— name AAAAAAA\n",        /* no base64 */
        "text\n\n— name AAAAAAB=\n",       /* bits over */
        "text\n\n— name  AAAAAAAA\n",      /* two spaces */
        "text\n\n— na+me AAAAAAAA\n",      /* plus */
        "text\n\n— name AAAAAAAA\nmore\n", /* not a signature */
        "te\txt\n\n— name AAAAAAAA\n",     /* control character */
        "te\xc3xt\n\n— name AAAAAAAA\n",   /* not UTF-8 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(parse(bad[i]), ST_INVALID);
    assert_int_equal(parse("text\n\n— name AAAAAAAA\n"), ST_OK);
}

static void test_note_has_limits(void **state)
{
    static const char line[] = "— name AAAAAAAA\n";
    (void)state;
    buf_clear(&out);
    assert_int_equal(buf_append(&out, "a\n\n", 3, &err), ST_OK);
    for (size_t i = 0; i <= NOTE_SIGNATURES_MAX; i++) {
        assert_int_equal(note_parse(buf_slice(&out), &note, &err), i == 0 ? ST_INVALID : ST_OK);
        assert_int_equal(buf_append(&out, line, sizeof(line) - 1, &err), ST_OK);
    }
    assert_int_equal(note_parse(buf_slice(&out), &note, &err), ST_LIMIT);
    buf_clear(&out);
    assert_int_equal(buf_reserve(&out, NOTE_SIZE_MAX + 1, &err), ST_OK);
    out.size = NOTE_SIZE_MAX + 1;
    memset(out.data, '\n', out.size);
    assert_int_equal(note_parse(buf_slice(&out), &note, &err), ST_LIMIT);
}

static void test_keys_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another hash */
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  /* another name */
        "PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* type 5 */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    struct note_vkey vkey;
    struct note_signer signer;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(note_vkey_parse(slice_of_text(bad[i]), &vkey, &err), ST_INVALID);
    assert_int_equal(note_signer_parse(slice_of_text(known_vkey), &signer, &err), ST_INVALID);
    assert_false(note_name_is_good(SLICE("a\xe2\x80\x83z")));
    assert_false(note_name_is_good(SLICE("a\nz")));
    assert_false(note_name_is_good(SLICE("\xff")));
    assert_true(note_name_is_good(SLICE("l\xc3\xb6g.example/\xe2\x82\xac")));
}

/* --- Cosignatures ------------------------------------------------------------------------------
 */

/* A witness signs time and text; made here with the parts that the document names. */
static void test_cosignature_is_over_its_time_too(void **state)
{
    static const char text[] = "example.com/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    struct note_signer witness;
    struct note_vkey vkey;
    char signed_text[256], line[256];
    struct buf signature;
    uint8_t blob[76] = {0};
    uint64_t unix_s;
    (void)state;

    assert_int_equal(note_signer_make(SLICE("witness.example"), &witness, &err), ST_OK);
    assert_int_equal(note_vkey_make(SLICE("witness.example"), NOTE_KEY_COSIGNATURE,
                                    witness.vkey.public_key, &vkey, &err),
                     ST_OK);
    assert_int_not_equal(vkey.id, witness.vkey.id);
    (void)snprintf(signed_text, sizeof(signed_text), "cosignature/v1\ntime 1700000000\n%s", text);
    buf_init(&signature, 1024);
    witness.vkey.id = vkey.id;
    assert_int_equal(note_sign_line(slice_of_text(signed_text), &witness, &signature, &err), ST_OK);

    /* Key id, time, signature. */
    uint8_t plain[69];
    char encoded[105];
    const uint8_t *base64 = signature.data + 4 + strlen("witness.example") + 1;
    assert_int_equal(EVP_DecodeBlock(plain, base64, 92), sizeof(plain));
    memcpy(blob, plain, 4);
    for (size_t i = 0; i < 8; i++)
        blob[4 + i] = (uint8_t)(UINT64_C(1700000000) >> (56 - 8 * i));
    memcpy(blob + 12, plain + 4, 64);
    assert_int_equal(EVP_EncodeBlock((uint8_t *)encoded, blob, sizeof(blob)), 104);
    (void)snprintf(line, sizeof(line), "%s\n— witness.example %s\n", text, encoded);
    assert_int_equal(parse(line), ST_OK);
    assert_int_equal(note_verify(&note, &vkey, &unix_s, &err), ST_OK);
    assert_int_equal(unix_s, 1700000000);
    blob[11] ^= 1;
    assert_int_equal(EVP_EncodeBlock((uint8_t *)encoded, blob, sizeof(blob)), 104);
    (void)snprintf(line, sizeof(line), "%s\n— witness.example %s\n", text, encoded);
    assert_int_equal(parse(line), ST_OK);
    assert_int_equal(note_verify(&note, &vkey, &unix_s, &err), ST_CORRUPT);
    buf_fini(&signature);
}

/* --- Checkpoints -------------------------------------------------------------------------------
 */

static const char root_text[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

static enum status parse_checkpoint(const char *text, struct checkpoint *ret)
{
    return checkpoint_parse(slice_of_text(text), ret, &err);
}

static void test_checkpoint_is_written_as_it_is_read(void **state)
{
    struct checkpoint checkpoint;
    char text[256];
    (void)state;
    (void)snprintf(text, sizeof(text), "example.com/behind-the-sofa\n20852163\n%s\n", root_text);
    assert_int_equal(parse_checkpoint(text, &checkpoint), ST_OK);
    assert_string_equal(checkpoint.origin, "example.com/behind-the-sofa");
    assert_int_equal(checkpoint.size, 20852163);
    buf_clear(&out);
    assert_int_equal(checkpoint_put(&checkpoint, &out, &err), ST_OK);
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    (void)snprintf(text, sizeof(text), "o\n0\n%s\nfurther words\n", root_text);
    assert_int_equal(parse_checkpoint(text, &checkpoint), ST_OK);
    strcpy(checkpoint.origin, "with space");
    assert_int_equal(checkpoint_put(&checkpoint, &out, &err), ST_INVALID);
}

static void test_checkpoint_by_another_letter_is_refused(void **state)
{
    static const char *const bad[] = {
        "\n1\nR\n",
        "o\n01\nR\n",
        "o\n+1\nR\n",
        "o\n-1\nR\n",
        "o\n 1\nR\n",
        "o\n\nR\n",
        "o\n1x\nR\n",
        "o\n1\nR",
        "o\n1\n",
        "o\n",
        "o\n1\nR\n\n",
        "o\n1\nR\nx",
        "o\n1\nR=\n",
        "o\n1\n R\n",
        "",
        "o\n1\nR\n\nx\n",
        "o\r\n1\nR\n",
        "o\n9223372036854775807\nR\n",
        "o\n18446744073709551617\nR\n",
        "o\n99999999999999999999\nR\n",
    };
    struct checkpoint checkpoint;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[256] = {0};
        for (const char *at = bad[i]; *at != 0; at++)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s",
                           *at == 'R' ? 44 : 1, *at == 'R' ? root_text : at);
        assert_int_equal(parse_checkpoint(text, &checkpoint), ST_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_of_others_is_read_and_made_to_the_byte),
        cmocka_unit_test(test_every_flipped_byte_is_noticed),
        cmocka_unit_test(test_signatures_of_others_are_passed_over),
        cmocka_unit_test(test_wrong_signature_beside_a_good_one_counts),
        cmocka_unit_test(test_what_is_no_note_is_refused),
        cmocka_unit_test(test_note_has_limits),
        cmocka_unit_test(test_keys_that_are_none_are_refused),
        cmocka_unit_test(test_cosignature_is_over_its_time_too),
        cmocka_unit_test(test_checkpoint_is_written_as_it_is_read),
        cmocka_unit_test(test_checkpoint_by_another_letter_is_refused),
    };
    return cmocka_run_group_tests(tests, make_room, give_room_back);
}
