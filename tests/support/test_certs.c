/* SPDX-License-Identifier: Apache-2.0 */
/* test_certs.c -- see test_certs.h. */
#include "support/test_certs.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "telltale/base.h"

enum { ONE_DAY_S = 24 * 60 * 60 };

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ASSERT(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_cert(EVP_PKEY *key, const char *name, long serial)
{
    X509 *cert = X509_new();
    ASSERT(cert != NULL && X509_set_version(cert, 2) == 1);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -ONE_DAY_S);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), ONE_DAY_S);
    ASSERT(X509_set_pubkey(cert, key) == 1);
    ASSERT(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                      (const unsigned char *)name, -1, -1, 0) == 1);
    return cert;
}

static void copy_pem(BIO *bio, char out[TEST_PEM_MAX])
{
    int size = BIO_read(bio, out, TEST_PEM_MAX - 1);
    ASSERT(size > 0 && size < TEST_PEM_MAX - 1);
    out[size] = 0;
    BIO_free(bio);
}

static void write_pem(X509 *cert, EVP_PKEY *key, struct test_cert *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ASSERT(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
    copy_pem(bio, ret->cert);
    bio = BIO_new(BIO_s_mem());
    ASSERT(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    copy_pem(bio, ret->key);
}

void test_certs_make_ca(struct test_cert *ret)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASSERT(key != NULL);
    X509 *cert = make_cert(key, "telltale test authority", 1);
    ASSERT(X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    ASSERT(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(cert, key, ret);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void make_signed(const struct test_cert *ca, const char *name, long end_s, int extension,
                        const char *value, struct test_cert *ret)
{
    BIO *ca_cert_bio = BIO_new_mem_buf(ca->cert, -1);
    BIO *ca_key_bio = BIO_new_mem_buf(ca->key, -1);
    X509 *ca_cert = PEM_read_bio_X509(ca_cert_bio, NULL, NULL, NULL);
    EVP_PKEY *ca_key = PEM_read_bio_PrivateKey(ca_key_bio, NULL, NULL, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASSERT(ca_cert != NULL && ca_key != NULL && key != NULL);

    X509 *cert = make_cert(key, name, 2);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), end_s);
    ASSERT(X509_set_issuer_name(cert, X509_get_subject_name(ca_cert)) == 1);
    add_extension(cert, extension, value);
    ASSERT(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    write_pem(cert, key, ret);
    X509_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    X509_free(ca_cert);
    BIO_free(ca_key_bio);
    BIO_free(ca_cert_bio);
}

static void make_server(const struct test_cert *ca, const char *dns_name, long end_s,
                        struct test_cert *ret)
{
    char names[300];

    snprintf(names, sizeof(names), "DNS:%s", dns_name);
    make_signed(ca, dns_name, end_s, NID_subject_alt_name, names, ret);
}

void test_certs_make_signed(const struct test_cert *ca, const char *dns_name, struct test_cert *ret)
{
    make_server(ca, dns_name, ONE_DAY_S, ret);
}

void test_certs_make_expired(const struct test_cert *ca, const char *dns_name,
                             struct test_cert *ret)
{
    make_server(ca, dns_name, -ONE_DAY_S / 2, ret);
}

void test_certs_make_stamping(const struct test_cert *ca, const char *name, struct test_cert *ret)
{
    make_signed(ca, name, ONE_DAY_S, NID_ext_key_usage, "critical,timeStamping", ret);
}

void test_certs_write(const char *dir, const char *name, const char *text,
                      char ret_path[TEST_PATH_MAX])
{
    ASSERT(snprintf(ret_path, TEST_PATH_MAX, "%s/%s", dir, name) < TEST_PATH_MAX);
    FILE *file = fopen(ret_path, "we");
    ASSERT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}
