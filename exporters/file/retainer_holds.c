/* SPDX-License-Identifier: Apache-2.0 */
/* retainer_holds.c -- the part of retainer.h that looks at the holds, and puts on record what has
 * come and gone of them.
 *
 * What is known from before is the list of the last look, or at the first one of this process what
 * the manifest says; without proofs nothing is told of what came before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file_exporter.h"
#include "retainer_internal.h"

/* Of a hold as the manifest calls it only the id is known. */
static enum status add_known(struct hold_list *list, const char *id, struct error *err)
{
    if (list->items == NULL)
        list->items = calloc(HOLDS_MAX, sizeof(struct hold *));
    struct hold *hold = calloc(1, sizeof(*hold));
    if (list->items == NULL || hold == NULL || list->count == HOLDS_MAX) {
        free(hold);
        return list->count == HOLDS_MAX ? ST_OK : error_set(err, ST_NO_MEMORY, "list the holds");
    }
    snprintf(hold->id, sizeof(hold->id), "%.*s", (int)sizeof(hold->id) - 1, id);
    list->items[list->count++] = hold;
    return ST_OK;
}

static size_t find_hold(const struct hold_list *list, const char *id)
{
    size_t i = 0;

    while (i < list->count && strcmp(list->items[i]->id, id) != 0)
        i++;
    return i;
}

static enum status visit_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct manifest_chain ignored = {.lines = 0}; /* whether it holds is for others to say */
    struct hold_list *list = context;
    struct manifest_fact fact;

    (void)number;
    enum status st = manifest_read_line(line, &ignored, &fact, err);
    if (st != ST_OK && st != ST_CORRUPT)
        return ST_OK;
    size_t index = find_hold(list, fact.rule);
    if (fact.kind == MANIFEST_HELD && index == list->count)
        return add_known(list, fact.rule, err);
    if (fact.kind == MANIFEST_RELEASED && index < list->count) {
        hold_destroy(list->items[index]);
        list->items[index] = list->items[--list->count];
    }
    return ST_OK;
}

/* At the first look: what a process before has put on record. */
static enum status read_known(struct file_exporter *self, struct hold_list *ret, struct error *err)
{
    enum status st =
        line_file_read(self->dir.io, self->dir.fd, STORE_MANIFEST_NAME, visit_fact, ret, NULL, err);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status tell_hold(struct file_exporter *self, bool is_held, const struct hold *hold,
                             const char *actor, const char *reason, uint64_t now_unix_ns,
                             struct error *err)
{
    const char *action = is_held ? "hold" : "release";
    struct manifest_fact fact = {.kind = is_held ? MANIFEST_HELD : MANIFEST_RELEASED};
    const struct exporter_note note = {
        .action = action,
        .origin = self->proofs.is_on ? self->proofs.origin : NULL,
        .hold = hold->id,
        .actor = actor,
        .reason = reason,
    };

    snprintf(fact.rule, sizeof(fact.rule), "%s", hold->id);
    snprintf(fact.reason, sizeof(fact.reason), "%s", reason);
    enum status st = store_proofs_write(&self->proofs, &fact, now_unix_ns, err);
    if (st != ST_OK)
        return st;
    store_dir_note(&self->dir, now_unix_ns, "%s %s, by %s: %s", action, hold->id, actor, reason);
    (void)exporter_tell(&self->notes, self->name, &note); /* the manifest has it, and the file */
    return ST_OK;
}

/* What has come and gone since the last look. */
static enum status tell_changes(struct file_exporter *self, const struct hold_list *now,
                                uint64_t now_unix_ns, struct error *err)
{
    const struct hold_list *before = &self->retainer.holds;
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < now->count; i++) {
        const struct hold *hold = now->items[i];
        bool was_known = find_hold(before, hold->id) < before->count;
        if (hold->released_unix_ns == 0 && !was_known)
            st = tell_hold(self, true, hold, hold->by, hold->reason, now_unix_ns, err);
        else if (hold->released_unix_ns != 0 && was_known)
            st = tell_hold(self, false, hold, hold->released_by, hold->released_reason, now_unix_ns,
                           err);
    }
    for (size_t i = 0; st == ST_OK && i < before->count && now->unreadable == 0; i++) {
        if (find_hold(now, before->items[i]->id) == now->count)
            st = tell_hold(self, false, before->items[i], "(unknown)", "its file is gone",
                           now_unix_ns, err);
    }
    return st;
}

/* Leaves those that are in force. */
static void drop_released(struct hold_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->released_unix_ns == 0)
            list->items[kept++] = list->items[i];
        else
            hold_destroy(list->items[i]);
    }
    list->count = kept;
}

static enum status take_holds(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    struct retainer *retainer = &self->retainer;
    struct hold_list list;

    enum status st = hold_list_read(&list, self->dir.fd, true, err);
    if (st != ST_OK)
        return st;
    retainer_abandon(retainer);
    record_classifier_destroy(retainer->classifier);
    retainer->classifier = NULL;
    for (size_t i = 0; i < self->dir.count; i++)
        store_entry_forget(&self->dir.entries[i]);
    if (!retainer->has_holds_list && self->proofs.is_on) {
        hold_list_fini(&retainer->holds);
        st = read_known(self, &retainer->holds, err);
    }
    if (st == ST_OK && (retainer->has_holds_list || self->proofs.is_on))
        st = tell_changes(self, &list, now_unix_ns, err);
    if (st != ST_OK) {
        hold_list_fini(&list);
        return st;
    }
    if (list.unreadable > 0)
        store_dir_note(&self->dir, now_unix_ns, "everything is held: %s", list.trouble);
    hold_list_fini(&retainer->holds);
    drop_released(&list);
    retainer->holds = list;
    retainer->has_holds_list = true;
    return ST_OK;
}

/* Reads the holds, if they have changed. */
enum status retainer_look_at_holds(struct file_exporter *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    struct retainer *retainer = &self->retainer;
    uint64_t stamp;

    enum status st = hold_stamp_read(self->dir.fd, &stamp, err);
    if (st == ST_OK && (!retainer->has_holds_list || stamp != retainer->holds.stamp))
        st = take_holds(self, now_unix_ns, err);
    return st == ST_OK ? ST_OK : error_context(err, "holds");
}

enum status retainer_lock_holds(struct file_exporter *self, int *ret_lock, struct error *err)
{
    uint64_t stamp = 0;

    enum status st = hold_lock_shared(self->dir.fd, ret_lock, err);
    if (st != ST_OK)
        return st;
    st = hold_stamp_read(self->dir.fd, &stamp, err);
    if (st == ST_OK && stamp != self->retainer.holds.stamp)
        st = error_set(err, ST_AGAIN, "the holds have changed");
    if (st != ST_OK && *ret_lock >= 0)
        (void)close(*ret_lock); /* a directory */
    return st;
}
