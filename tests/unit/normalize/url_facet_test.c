/* SPDX-License-Identifier: Apache-2.0 */
/* url_facet_test.c -- where URLs lead, also those that want to be misread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/made_record.h"

/* NULL: there is none; port -1: none. */
static void check_url(const char *url, const char *scheme, const char *host, int64_t port)
{
    struct made_record made;
    struct normalizer *normalizer = made_normalizer();
    made_init(&made);
    made_text(&made, "cursor.grok_bot.browser.url", url);
    made_field(&made, RECORD_EVENT_NAME, SLICE("cursor.grok_bot.browser_navigation"));
    struct normalized *normalized = made_normalize_otlp(&made, normalizer, "cursor.telemetry");
    check_text(normalized, "url.full", url);
    if (scheme != NULL)
        check_text(normalized, "url.scheme", scheme);
    else
        check_absent(normalized, "url.scheme");
    if (host != NULL)
        check_text(normalized, "url.domain", host);
    else
        check_absent(normalized, "url.domain");
    if (host != NULL)
        check_text(normalized, "server.address", host);
    if (port >= 0)
        check_int(normalized, "server.port", port);
    else
        check_absent(normalized, "server.port");
    normalized_destroy(normalized);
    made_fini(&made);
    normalizer_destroy(normalizer);
}

static void test_plain_urls_are_split(void **state)
{
    (void)state;
    check_url("https://example.com/a?b=c#d", "https", "example.com", -1);
    check_url("http://example.com:8080", "http", "example.com", 8080);
    check_url("https://[::1]:443/x", "https", "::1", 443);
    check_url("https://[::1]/x", "https", "::1", -1);
    check_url("https://example.com?x=1", "https", "example.com", -1);
}

static void test_name_before_the_host_is_not_the_host(void **state)
{
    (void)state;
    check_url("https://example.com@evil.example.net/", "https", "evil.example.net", -1);
    check_url("https://user:pass@evil.example.net:81/", "https", "evil.example.net", 81);
    check_url("https://example.com/@evil.example.net", "https", "example.com", -1);
    check_url("https://evil.example.net\\@example.com/", "https", "evil.example.net", -1);
}

static void test_rubbish_yields_no_host(void **state)
{
    (void)state;
    check_url("example.com/a", NULL, NULL, -1);
    check_url("://example.com", NULL, NULL, -1);
    check_url("file:///etc/passwd", "file", NULL, -1);
    check_url("https://", "https", NULL, -1);
    check_url("https://:80/", "https", NULL, -1);
    check_url("https://user@/", "https", NULL, -1);
    check_url("https://[]/", "https", NULL, -1);
    check_url("https://example.com:99999/", "https", "example.com", -1);
    check_url("https://example.com:x/", "https", "example.com", -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_urls_are_split),
        cmocka_unit_test(test_name_before_the_host_is_not_the_host),
        cmocka_unit_test(test_rubbish_yields_no_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
