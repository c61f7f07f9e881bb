/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file_test.c -- a settings file is the old one or the new one whatever the disk does, and
 * links lead out of no project. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "install/settings_file.h"
#include "support/fault_points.h"
#include "support/temp_dir.h"

enum { TEXT_SIZE = 20000, ROOM = 1 << 20 };

struct desk {
    struct temp_dir dir;
    char file[PATH_MAX];
    char old[TEXT_SIZE], new[TEXT_SIZE + 3000];
    struct settings_path path;
    unsigned runs;
    bool was_there; /* before the work */
};

static int make_desk(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    temp_dir_make(&desk->dir);
    snprintf(desk->file, sizeof(desk->file), "%s/settings.json", desk->dir.path);
    memset(desk->old, 'o', sizeof(desk->old) - 1);
    memset(desk->new, 'n', sizeof(desk->new) - 1);
    desk->path = (struct settings_path){.text = desk->file, .io = &faulty_disk_io};
    *state = desk;
    return 0;
}

static int drop_desk(void **state)
{
    struct desk *desk = *state;

    temp_dir_remove(&desk->dir);
    free(desk);
    return 0;
}

static bool holds(const struct desk *desk, const char *text)
{
    struct settings_path path = desk->path;
    struct error err;
    struct buf found;

    path.io = NULL;
    buf_init(&found, ROOM);
    enum status st = settings_file_read(&path, &found, &err);
    bool is_equal = st == ST_OK && slice_equal(buf_slice(&found), slice_of_text(text));
    buf_fini(&found);
    return is_equal;
}

static bool is_beside(const struct desk *desk)
{
    char name[PATH_MAX + 32];

    snprintf(name, sizeof(name), "%s.telltale-%ld", desk->file, (long)getpid());
    return access(name, F_OK) == 0;
}

/* The file as it is before the work, durable. */
static void lay_out(struct desk *desk)
{
    struct settings_path path = desk->path;
    struct error err;

    path.io = NULL;
    (void)unlink(desk->file);
    desk->was_there = desk->runs++ % 2 == 0;
    if (!desk->was_there)
        return;
    assert_int_equal(settings_file_write(&path, slice_of_text(desk->old), &err), ST_OK);
    assert_int_equal(chmod(desk->file, 0640), 0);
}

static bool is_whole(const struct desk *desk)
{
    return holds(desk, desk->new) ||
           (desk->was_there ? holds(desk, desk->old) : access(desk->file, F_OK) < 0);
}

static bool write_and_check(void *context, const struct fault_point *point)
{
    struct desk *desk = context;
    struct stat info;
    struct error err;

    lay_out(desk);
    int dir_fd = open(desk->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    faulty_disk_reset(dir_fd);
    fault_point_arm(point);
    enum status st = settings_file_write(&desk->path, slice_of_text(desk->new), &err);
    bool was_hit = fault_point_end(point);
    if (st == ST_OK)
        assert_true(holds(desk, desk->new));
    else
        assert_int_equal(st, ST_IO);
    assert_true(is_whole(desk));
    /* And it goes on, whatever was left. */
    assert_int_equal(settings_file_write(&desk->path, slice_of_text(desk->new), &err), ST_OK);
    assert_true(holds(desk, desk->new));
    assert_false(is_beside(desk));
    assert_int_equal(stat(desk->file, &info), 0);
    bool is_old = desk->was_there && holds(desk, desk->new);
    if (is_old && !was_hit)
        assert_int_equal(info.st_mode & 0777, 0640);
    faulty_disk_reset(-1);
    assert_int_equal(close(dir_fd), 0);
    return was_hit;
}

static void test_a_file_is_the_old_one_or_the_new_one_whatever_call_fails(void **state)
{
    struct desk *desk = *state;

    fault_points_try_all("settings written", write_and_check, desk, 5, 2);
}

static void test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(void **state)
{
    struct desk *desk = *state;
    struct error err;

    for (unsigned at = 1; at <= 5; at++) {
        desk->runs = 0;
        lay_out(desk);
        int dir_fd = open(desk->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        faulty_disk_reset(dir_fd);
        faulty_disk_break(DISK_FAULT_ERROR, ENOSPC, at, 1);
        enum status st = settings_file_write(&desk->path, slice_of_text(desk->new), &err);
        assert_true(faulty_disk_repair());
        if (st != ST_OK) {
            assert_true(holds(desk, desk->old));
            assert_non_null(strstr(err.text, "No space left on device"));
        }
        assert_false(is_beside(desk));
        faulty_disk_reset(-1);
        assert_int_equal(close(dir_fd), 0);
    }
}

static void test_what_cannot_be_read_whole_is_not_read(void **state)
{
    struct desk *desk = *state;
    struct error err;
    struct buf text;

    lay_out(desk);
    faulty_disk_reset(-1);
    for (unsigned at = 1; at <= 3; at++) {
        buf_init(&text, ROOM);
        faulty_disk_break(DISK_FAULT_ERROR, EIO, at, 1);
        assert_int_equal(settings_file_read(&desk->path, &text, &err), ST_IO);
        assert_true(faulty_disk_repair());
        faulty_disk_break(DISK_FAULT_SHORT, 0, at, 3);
        text.size = 0;
        assert_int_equal(settings_file_read(&desk->path, &text, &err), ST_OK);
        assert_true(slice_equal(buf_slice(&text), slice_of_text(desk->old)));
        (void)faulty_disk_repair();
        buf_fini(&text);
    }
}

static void test_no_link_below_a_project_is_followed(void **state)
{
    struct desk *desk = *state;
    const struct {
        const char *link, *to, *file;
    } cases[] = {
        {"p/.a/settings.json", "../../victim", "p/.a/settings.json"},
        {"p/.a", "../outside", "p/.a/victim"},
        {"p/.a/settings.json", "../../nothing", "p/.a/settings.json"},
    };
    char command[3 * PATH_MAX];
    struct error err;
    struct buf text;

    buf_init(&text, ROOM);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(command, sizeof(command),
                 "cd %s && rm -rf p outside && mkdir -p p/.a outside && echo x > victim &&"
                 " echo x > outside/victim && { rmdir %s 2>/dev/null; ln -s %s %s; }",
                 desk->dir.path, cases[i].link, cases[i].to, cases[i].link);
        assert_int_equal(system(command), 0);
        snprintf(desk->file, sizeof(desk->file), "%s/%s", desk->dir.path, cases[i].file);
        struct settings_path path = {.text = desk->file,
                                     .project_size = strlen(desk->dir.path) + 2};
        assert_int_equal(settings_file_read(&path, &text, &err), ST_INVALID);
        assert_int_equal(settings_file_write(&path, SLICE("y"), &err), ST_INVALID);
        assert_non_null(strstr(err.text, "symbolic link is not followed"));
        assert_int_equal(settings_file_remove(&path, &err), ST_INVALID);
        snprintf(command, sizeof(command),
                 "cd %s && test \"$(cat victim outside/victim)\" = \"$(printf 'x\\nx')\" &&"
                 " test -L %s && test ! -e nothing",
                 desk->dir.path, cases[i].link);
        assert_int_equal(system(command), 0);
    }
    buf_fini(&text);
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, make_desk, drop_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DESK(test_a_file_is_the_old_one_or_the_new_one_whatever_call_fails),
        WITH_DESK(test_a_full_disk_leaves_the_old_file_and_nothing_beside_it),
        WITH_DESK(test_what_cannot_be_read_whole_is_not_read),
        WITH_DESK(test_no_link_below_a_project_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
