/* SPDX-License-Identifier: Apache-2.0 */
/* http_secrets.c -- see http_secrets.h.
 *
 * Values are wiped from our buffers when those are let go; libcurl and OpenSSL keep copies of their
 * own, which is theirs to mind. */
#include "http/http_secrets.h"

#include <string.h>

enum {
    PEM_FILE_MAX = 4 * 1024 * 1024, /* a system's certificates are about 200 KiB */
    LINE_MAX_SIZE = 2 * HTTP_HEADER_VALUE_MAX,
};

/* --- Headers --------------------------------------------------------------------------------- */

static void add_secret(struct http_secrets *secrets, struct http_secret secret)
{
    ASSERT(secrets->count < HTTP_SECRETS_MAX);
    struct http_secret *item = &secrets->items[secrets->count++];
    *item = secret;
    buf_init(&item->line, LINE_MAX_SIZE);
}

void http_secrets_init(struct http_secrets *secrets, const struct http_config *config,
                       const char *token_scheme)
{
    const struct config_text_map *files = &config->headers_from_files;

    *secrets = (struct http_secrets){.config = config};
    for (size_t i = 0; i < files->count; i++) {
        add_secret(secrets, (struct http_secret){.name = files->pairs[i].key,
                                                 .path = files->pairs[i].value});
    }
    if (config->token_file != NULL) {
        add_secret(secrets,
                   (struct http_secret){.name = "Authorization",
                                        .path = config->token_file,
                                        .scheme = token_scheme != NULL ? token_scheme : "Bearer"});
    }
    if (config->basic_auth.user != NULL) {
        add_secret(secrets, (struct http_secret){.name = "Authorization",
                                                 .path = config->basic_auth.password_file,
                                                 .scheme = "Basic",
                                                 .user = config->basic_auth.user});
    }
}

void http_secrets_fini(struct http_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        secret_wipe(&secrets->items[i].line);
}

/* What the file says, without the white space around it. */
static enum status read_value(const struct http_secret *secret, struct buf *out,
                              struct slice *ret_value, struct error *err)
{
    enum status st = secret_file_read(secret->path, out, err);
    if (st != ST_OK)
        return st;
    struct slice value = secret_trim(buf_slice(out));
    if (value.size == 0)
        return error_set(err, ST_INVALID, "'%s' is empty", secret->path);
    for (size_t i = 0; i < value.size && secret->user == NULL; i++) {
        if (value.data[i] < ' ' || value.data[i] >= 0x7f)
            return error_set(err, ST_INVALID, "'%s' has bytes that no header may have",
                             secret->path);
    }
    *ret_value = value;
    return ST_OK;
}

static void append_base64(struct buf *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t word = (uint32_t)bytes.data[i] << 16;
        if (left > 1)
            word |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            word |= bytes.data[i + 2];
        char text[4] = {digits[word >> 18], digits[word >> 12 & 63], digits[word >> 6 & 63],
                        digits[word & 63]};
        if (left < 3)
            text[3] = '=';
        if (left < 2)
            text[2] = '=';
        buf_append_reserved(out, text, sizeof(text));
    }
}

static void append_text(struct buf *out, const char *text)
{
    buf_append_reserved(out, text, strlen(text));
}

/* Appends user:password in base64, for which there is room. */
static enum status append_basic(const struct http_secret *secret, struct slice password,
                                struct buf *out, struct error *err)
{
    struct buf pair;
    size_t user_size = strlen(secret->user);

    buf_init(&pair, LINE_MAX_SIZE);
    enum status st = buf_reserve(&pair, user_size + 1 + password.size, err);
    if (st == ST_OK) {
        append_text(&pair, secret->user);
        append_text(&pair, ":");
        buf_append_reserved(&pair, password.data, password.size);
        append_base64(out, buf_slice(&pair));
    }
    secret_wipe(&pair);
    return st;
}

static enum status make_line(struct http_secret *secret, struct slice value, struct error *err)
{
    struct buf *line = &secret->line;
    size_t user_size = secret->user != NULL ? strlen(secret->user) : 0;
    size_t scheme_size = secret->scheme != NULL ? strlen(secret->scheme) : 0;
    enum { AROUND = 16 }; /* ": ", a space, base64's padding, NUL */

    secret_wipe(line);
    enum status st = buf_reserve(
        line, strlen(secret->name) + scheme_size + (user_size + 1 + value.size) * 4 / 3 + AROUND,
        err);
    if (st != ST_OK)
        return st;
    append_text(line, secret->name);
    append_text(line, ": ");
    if (secret->scheme != NULL) {
        append_text(line, secret->scheme);
        append_text(line, " ");
    }
    if (secret->user != NULL)
        st = append_basic(secret, value, line, err);
    else
        buf_append_reserved(line, value.data, value.size);
    if (st == ST_OK)
        buf_append_reserved(line, "", 1);
    return st;
}

static enum status read_secret(struct http_secret *secret, struct error *err)
{
    struct buf content;
    struct slice value;

    buf_init(&content, HTTP_HEADER_VALUE_MAX);
    enum status st = read_value(secret, &content, &value, err);
    if (st == ST_OK)
        st = make_line(secret, value, err);
    secret_wipe(&content);
    if (st != ST_OK)
        secret_wipe(&secret->line);
    return st;
}

enum status http_secrets_refresh(struct http_secrets *secrets, struct error *err)
{
    for (size_t i = 0; i < secrets->count; i++) {
        struct http_secret *secret = &secrets->items[i];
        struct stat now;
        if (stat(secret->path, &now) < 0)
            return error_set_errno(err, ST_IO, "'%s', for the header '%s'", secret->path,
                                   secret->name);
        if (secret->line.size > 0 && secret_file_is_same(&now, &secret->seen))
            continue;
        enum status st = read_secret(secret, err);
        if (st != ST_OK)
            return error_context(err, "header '%s'", secret->name);
        secret->seen = now;
    }
    return ST_OK;
}

/* --- Certificates ---------------------------------------------------------------------------- */

static enum status check_pem(const char *path, struct error *err)
{
    struct buf content;

    buf_init(&content, PEM_FILE_MAX);
    enum status st = secret_file_read(path, &content, err);
    if (st == ST_OK &&
        (content.size == 0 || memmem(content.data, content.size, "-----BEGIN ", 11) == NULL ||
         memmem(content.data, content.size, "-----END ", 9) == NULL))
        st = error_set(err, ST_INVALID, "'%s' is not PEM", path);
    secret_wipe(&content);
    return st;
}

bool http_secrets_tls_changed(struct http_secrets *secrets, bool *ret_ready, struct error *err)
{
    const struct http_tls_config *tls = &secrets->config->tls;
    const char *const paths[HTTP_TLS_FILES] = {tls->ca_file, tls->cert_file, tls->key_file};
    struct stat now[HTTP_TLS_FILES];
    bool changed = false;

    *ret_ready = true;
    for (size_t i = 0; i < HTTP_TLS_FILES; i++) {
        now[i] = secrets->tls_seen[i];
        if (paths[i] == NULL)
            continue;
        if (stat(paths[i], &now[i]) < 0) {
            (void)error_set_errno(err, ST_IO, "'%s'", paths[i]);
            *ret_ready = false;
            return false;
        }
        changed = changed || !secret_file_is_same(&now[i], &secrets->tls_seen[i]);
    }
    for (size_t i = 0; changed && i < HTTP_TLS_FILES; i++) {
        if (paths[i] != NULL && check_pem(paths[i], err) != ST_OK) {
            *ret_ready = false;
            return false;
        }
    }
    if (changed)
        memcpy(secrets->tls_seen, now, sizeof(now));
    return changed;
}
