/* SPDX-License-Identifier: Apache-2.0 */
/* cim_fields.h -- which field of Splunk's Common Information Model says what of a record.
 *
 * Tables and nothing else: shape_cim.c writes by them and shape_doc.c tells of them.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include "normalize/schema.h"

/* Data models, as a set: where the field is documented. */
enum {
    CIM_PROCESSES = 1 << 0,
    CIM_FILESYSTEM = 1 << 1,
    CIM_NETWORK = 1 << 2,
    CIM_WEB = 1 << 3,
    CIM_CHANGE = 1 << 4,
    CIM_AUTHENTICATION = 1 << 5,
    CIM_ALERTS = 1 << 6,
    CIM_DATA_ACCESS = 1 << 7,
};
enum { CIM_MODEL_COUNT = 8 };
extern const char *const cim_model_names[CIM_MODEL_COUNT];

/* A key of the model under the name that CIM has for it, whatever the kind. */
struct cim_field {
    const char *name;
    uint16_t key;
    uint8_t models;
};
extern const struct cim_field cim_fields[];
extern const size_t cim_field_count;

/* What is concluded from several. */
enum cim_fact {
    CIM_ACTION,
    CIM_APP,
    CIM_DEST,
    CIM_DURATION,
    CIM_ID,
    CIM_OBJECT,
    CIM_OBJECT_CATEGORY,
    CIM_SEVERITY,
    CIM_SIGNATURE,
    CIM_SRC,
    CIM_STATUS,
    CIM_USER,
    CIM_VENDOR_PRODUCT,
    CIM_FACT_COUNT
};
struct cim_concluded {
    const char *name;
    uint8_t models;
    const char *meaning;
};
extern const struct cim_concluded cim_concluded[CIM_FACT_COUNT];
