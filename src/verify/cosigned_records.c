/* SPDX-License-Identifier: Apache-2.0 */
/* cosigned_records.c -- see cosigned_records.h.
 *
 * The store's indices say where such records may be; so most of a store is not read for them. */
#include "verify/cosigned_records.h"

#include "store/store_reader.h"

static enum status make_plan(struct store_plan **ret, struct error *err)
{
    enum status st = store_plan_create(ret, err);

    if (st != ST_OK)
        return st;
    store_plan_set_partial(*ret);
    store_plan_demand(*ret);
    store_plan_add(*ret, SLICE("cosigned"), PLAN_WHOLE);
    store_plan_demand(*ret);
    store_plan_add(*ret, SLICE("agent.integrity"), PLAN_WHOLE | PLAN_ID);
    return ST_OK;
}

static enum status read_lines(struct store_reader *reader, struct note_finder *finder,
                              struct error *err)
{
    struct store_line line;

    for (;;) {
        enum status st = store_reader_next(reader, &line, err);
        if (st == ST_AGAIN)
            return note_finder_end(finder, err);
        if (st == ST_CORRUPT || st == ST_LIMIT)
            continue;
        if (st == ST_OK)
            st = note_finder_line(finder, line.text, err);
        if (st != ST_OK)
            return st;
    }
}

enum status cosigned_records_read(const struct verify_options *options, note_found_fn on_note,
                                  void *context, struct error *err)
{
    struct store_reader_options how = {.thread_count = options->threads};
    struct store_plan *plan = NULL;
    struct store_reader *reader = NULL;
    struct note_finder finder;

    note_finder_init(&finder, on_note, context);
    enum status st = make_plan(&plan, err);
    how.plan = plan;
    if (st == ST_OK)
        st = store_reader_open(options->store_dir, &how, &reader, err);
    if (st == ST_OK)
        st = read_lines(reader, &finder, err);
    store_reader_close(reader);
    store_plan_destroy(plan);
    note_finder_fini(&finder);
    return st == ST_OK ? ST_OK : error_context(err, "look for cosignatures on record");
}
