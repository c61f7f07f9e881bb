/* SPDX-License-Identifier: Apache-2.0 */
/* test_certs.h -- certificates made for one test: an authority, and what it signs. */
#pragma once

enum { TEST_PEM_MAX = 4096 };

struct test_cert {
    char cert[TEST_PEM_MAX];
    char key[TEST_PEM_MAX];
};

/* A new authority.  Failures abort the test. */
void test_certs_make_ca(struct test_cert *ret);

/* A certificate for `dns_name`, signed by `ca`. */
void test_certs_make_signed(const struct test_cert *ca, const char *dns_name,
                            struct test_cert *ret);

/* The same, but its time was over half a day ago. */
void test_certs_make_expired(const struct test_cert *ca, const char *dns_name,
                             struct test_cert *ret);

/* A certificate for time stamps. */
void test_certs_make_stamping(const struct test_cert *ca, const char *name, struct test_cert *ret);

/* Writes `text` to DIR/NAME and puts that path into `ret_path`. */
enum { TEST_PATH_MAX = 256 };
void test_certs_write(const char *dir, const char *name, const char *text,
                      char ret_path[TEST_PATH_MAX]);
