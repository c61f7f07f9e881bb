/* SPDX-License-Identifier: Apache-2.0 */
/* http_statuses.c -- see http_statuses.h. */
#include "support/http_statuses.h"

#define DONE     EXPORT_DONE, EXPORT_DONE, 0, 0, 0
#define RETRY    EXPORT_RETRY, EXPORT_RETRY, 0, 0, 7000
#define REPAIR   EXPORT_RETRY, EXPORT_RETRY, 60000, 60000, 60000
#define REJECTED EXPORT_REJECTED, EXPORT_REJECTED, 0, 0, 0
#define SPLIT    EXPORT_TOO_LARGE, EXPORT_TOO_LARGE, 0, 0, 0

const struct http_status_meaning http_status_meanings[HTTP_STATUS_COUNT] = {
    {200, DONE},     {202, DONE},   {204, DONE},
    {301, REPAIR},   {307, REPAIR}, {400, REJECTED},
    {401, REPAIR},   {402, REPAIR}, {403, REPAIR},
    {404, REPAIR},   {405, REPAIR}, {406, REPAIR},
    {407, REPAIR},   {408, RETRY},  {409, REJECTED},
    {410, REPAIR},   {411, REPAIR}, {412, REPAIR},
    {413, SPLIT},    {414, REPAIR}, {415, REPAIR},
    {418, REJECTED}, {421, REPAIR}, {422, REJECTED},
    {425, RETRY},    {426, REPAIR}, {429, RETRY},
    {431, REPAIR},   {451, REPAIR}, {500, EXPORT_RETRY, EXPORT_REJECTED, 60000, 0, 60000},
    {501, REPAIR},   {502, RETRY},  {503, RETRY},
    {504, RETRY},
};
