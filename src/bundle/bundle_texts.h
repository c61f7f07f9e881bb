/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_texts.h -- the files that are the same in every bundle: README.txt, verify.sh and
 * verify.py of this directory.  CMake makes the bytes of them.
 *
 * Threads: constants.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const uint8_t bundle_readme[];
extern const size_t bundle_readme_size;
extern const uint8_t bundle_verify_sh[];
extern const size_t bundle_verify_sh_size;
extern const uint8_t bundle_verify_py[];
extern const size_t bundle_verify_py_size;
