/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_silence.c -- see timeline_silence.h. */
#include "query/timeline_silence.h"

#include "query/lookup.h"
#include "query/time_text.h"
#include "wire/rfc3339.h"

enum { WORDS_WIDTH = 60 };

bool timeline_silence_put(struct page *page, const struct record_view *view, size_t used)
{
    struct slice code = lookup_text(view, "agent.pipeline.code");
    struct slice executable = lookup_text(view, "process.executable.path");
    bool resumed = slice_equal(code, SLICE("source_resumed"));
    uint64_t from_ns = 0, to_ns = 0;
    char text[TIME_TEXT_SIZE];

    if ((!resumed && !slice_equal(code, SLICE("source_silent"))) ||
        !rfc3339_read(lookup_text(view, "agent.pipeline.from"), &from_ns) ||
        !rfc3339_read(lookup_text(view, "agent.pipeline.to"), &to_ns) || to_ns < from_ns)
        return false;
    time_format_duration((double)(to_ns - from_ns) / 1e6, text);
    if (resumed)
        page_put_format(page, "the agent spoke again after %s, process ", text);
    else
        page_put_format(page, "the agent has been SILENT for %s, process ", text);
    page_put_number(page, lookup_number(view, "process.pid", 0));
    if (executable.size > 0) {
        page_put(page, " ");
        page_put_text(page, executable, page_columns_behind(page, used + WORDS_WIDTH));
    }
    return true;
}
