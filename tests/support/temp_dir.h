/* SPDX-License-Identifier: Apache-2.0 */
/* temp_dir.h -- a directory for one test, gone with all its content afterwards. */
#pragma once

enum { TEMP_DIR_PATH_MAX = 128 };

struct temp_dir {
    char path[TEMP_DIR_PATH_MAX];
    int fd;
};

/* Fails the test when it cannot be made. */
void temp_dir_make(struct temp_dir *dir);
void temp_dir_remove(struct temp_dir *dir);

/* Directories made from now on are in memory, if TMPDIR is not set: for tests that make thousands
 * of files and do not ask the disk anything. */
void temp_dir_prefer_memory(void);
