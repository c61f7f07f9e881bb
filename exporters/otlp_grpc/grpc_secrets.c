/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_secrets.c -- see grpc_secrets.h.
 *
 * Keys and tokens are wiped from our buffers when those are let go; gRPC and OpenSSL keep copies
 * of their own, which is theirs to mind.
 */
#include "grpc_secrets.h"

#include <grpc/grpc.h>
#include <string.h>

enum {
    PEM_SIZE_MAX = 4 * 1024 * 1024, /* a system's certificates are about 200 KiB */
    TOKEN_SIZE_MAX = 16 * 1024,
};

/* The file as a NUL-terminated text; nothing when there is no path. */
static enum status read_pem(const char *path, struct buf *out, struct error *err)
{
    if (path == NULL)
        return ST_OK;
    enum status st = secret_file_read(path, out, err);
    if (st != ST_OK)
        return st;
    if (memmem(out->data, out->size, "-----BEGIN ", 11) == NULL ||
        memchr(out->data, 0, out->size) != NULL)
        return error_set(err, ST_INVALID, "'%s' is not PEM", path);
    return buf_append(out, "", 1, err);
}

static const char *tls_path(const struct grpc_tls_files *files, size_t index)
{
    const char *const paths[GRPC_TLS_FILE_COUNT] = {files->ca_file, files->cert_file,
                                                    files->key_file};
    return paths[index];
}

/* Taken before the files are read: one that is replaced meanwhile counts as changed. */
static void note_seen(const struct grpc_tls_files *files, struct stat seen[GRPC_TLS_FILE_COUNT])
{
    for (size_t i = 0; i < GRPC_TLS_FILE_COUNT; i++) {
        const char *path = tls_path(files, i);
        if (path == NULL || stat(path, &seen[i]) < 0)
            seen[i] = (struct stat){.st_size = -1}; /* like no file */
    }
}

enum status grpc_secrets_load_tls(struct grpc_tls_files *files, grpc_channel_credentials **ret,
                                  struct error *err)
{
    struct stat seen[GRPC_TLS_FILE_COUNT];
    struct buf ca;
    struct buf cert;
    struct buf key;

    note_seen(files, seen);
    buf_init(&ca, PEM_SIZE_MAX);
    buf_init(&cert, PEM_SIZE_MAX);
    buf_init(&key, PEM_SIZE_MAX);
    enum status st = read_pem(files->ca_file, &ca, err);
    if (st == ST_OK)
        st = read_pem(files->cert_file, &cert, err);
    if (st == ST_OK)
        st = read_pem(files->key_file, &key, err);
    if (st != ST_OK)
        goto out;

    grpc_ssl_pem_key_cert_pair pair = {(const char *)key.data, (const char *)cert.data};
    grpc_channel_credentials *credentials = grpc_ssl_credentials_create(
        (const char *)ca.data, files->cert_file != NULL ? &pair : NULL, NULL, NULL);
    if (credentials == NULL) {
        st = error_set(err, ST_INVALID, "gRPC does not take these certificates");
        goto out;
    }
    memcpy(files->seen, seen, sizeof(seen));
    *ret = credentials;
out:
    secret_wipe(&key);
    buf_fini(&cert);
    buf_fini(&ca);
    return st;
}

bool grpc_secrets_tls_changed(const struct grpc_tls_files *files)
{
    struct stat now;

    for (size_t i = 0; i < GRPC_TLS_FILE_COUNT; i++) {
        const char *path = tls_path(files, i);
        if (path != NULL && stat(path, &now) == 0 && !secret_file_is_same(&now, &files->seen[i]))
            return true;
    }
    return false;
}

void grpc_token_init(struct grpc_token *token, const char *path)
{
    *token = (struct grpc_token){.path = path};
    buf_init(&token->header, TOKEN_SIZE_MAX);
}

void grpc_token_fini(struct grpc_token *token)
{
    secret_wipe(&token->header);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static enum status read_token(struct grpc_token *token, struct error *err)
{
    struct buf *header = &token->header;

    buf_clear(header);
    enum status st = buf_append(header, "Bearer ", 7, err);
    if (st == ST_OK)
        st = secret_file_read(token->path, header, err);
    if (st != ST_OK)
        return st;
    while (header->size > 7 && is_blank(header->data[header->size - 1]))
        header->size--;
    if (header->size == 7)
        return error_set(err, ST_INVALID, "'%s' is empty", token->path);

    grpc_slice value = grpc_slice_from_copied_buffer((const char *)header->data, header->size);
    bool legal = grpc_header_nonbin_value_is_legal(value) != 0;
    grpc_slice_unref(value);
    if (!legal)
        return error_set(err, ST_INVALID, "'%s' has bytes that no header may have", token->path);
    return ST_OK;
}

enum status grpc_token_refresh(struct grpc_token *token, struct error *err)
{
    struct stat now;

    if (stat(token->path, &now) < 0)
        return error_set_errno(err, ST_IO, "token file '%s'", token->path);
    if (token->header.size > 0 && secret_file_is_same(&now, &token->seen))
        return ST_OK;
    enum status st = read_token(token, err);
    if (st != ST_OK) {
        buf_clear(&token->header);
        return st;
    }
    token->seen = now;
    return ST_OK;
}
