/* SPDX-License-Identifier: Apache-2.0 */
/* failure_words.c -- see failure_words.h.  The words of libcurl 7.88 and OpenSSL 3; what is not
 * recognized in other versions is passed on as it is. */
#include "http/failure_words.h"

#include <string.h>

#include "telltale/base.h"

struct row {
    const char *problem; /* a part of it */
    struct failure_words words;
};

/* The first that fits counts. */
static const struct row rows[] = {
    {"alert certificate expired",
     {"the server does not take our certificate, which has expired: renew tls.cert_file", true}},
    {"alert unknown ca",
     {"the server does not know who issued our certificate: check tls.cert_file", true}},
    /* an authority of the same name with another key */
    {"alert decrypt error",
     {"the server does not know who issued our certificate: check tls.cert_file", true}},
    {"certificate required",
     {"the server asks for a certificate: set tls.cert_file and tls.key_file", true}},
    {"alert bad certificate",
     {"the server does not take our certificate: check tls.cert_file and tls.key_file", true}},
    {"alert handshake failure",
     {"the server breaks the TLS handshake off; perhaps it asks for a certificate: tls.cert_file",
      true}},
    {"getpeername() failed",
     {"the server hung up right behind the handshake; perhaps it does not take our certificate: "
      "tls.cert_file",
      true}},
    {"certificate has expired", {"the server's certificate has expired: renew it there", true}},
    {"certificate is not yet valid",
     {"the server's certificate is not valid yet: check both clocks", true}},
    {"self-signed certificate",
     {"the server's certificate is of an authority that is not trusted here: set tls.ca_file",
      true}},
    {"local issuer certificate",
     {"the server's certificate is of an authority that is not trusted here: set tls.ca_file",
      true}},
    /* an authority of the same name with another key */
    {"asn1 encoding routines",
     {"the server's certificate is of an authority that is not trusted here: set tls.ca_file",
      true}},
    {"subject name",
     {"the server's certificate is for another name: check the endpoint, or set "
      "tls.server_name_override",
      true}},
    {"obtain common name",
     {"the server's certificate names nobody: set tls.server_name_override", true}},
    {"certificate verify locations", {"tls.ca_file cannot be used", true}},
    {"key values mismatch", {"tls.key_file is not the key of tls.cert_file", true}},
    {"set private key file", {"tls.key_file cannot be used", true}},
    {"load PEM client certificate", {"tls.cert_file cannot be used", true}},
    {"client certificate", {"tls.cert_file or tls.key_file cannot be used", true}},
    {"wrong version number",
     {"the server does not speak TLS there: say http://, or check the port", true}},
    {"protocol version", {"the server's TLS is too old: see tls.min_version", true}},
    {"unsupported protocol", {"the server's TLS is too old: see tls.min_version", true}},
    {"HTTP/0.9", {"what answers there does not speak HTTP; does it want https://?", false}},
    {"response 407", {"the proxy asks for a user and a password: proxy_url", true}},
    {"CONNECT tunnel failed", {"the proxy refuses to connect to the endpoint", true}},
};

struct failure_words failure_words_find(const char *problem)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strstr(problem, rows[i].problem) != NULL)
            return rows[i].words;
    }
    return (struct failure_words){.hint = NULL};
}
