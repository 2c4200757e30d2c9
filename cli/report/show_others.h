/*
 * show_others.h - the sections of `avouch report show` for TLS reports and
 * failure reports, as text and JSON.
 */
#ifndef AVOUCH_CLI_REPORT_SHOW_OTHERS_H
#define AVOUCH_CLI_REPORT_SHOW_OTHERS_H

#include <jansson.h>

#include "report/show/others.h"

/* Prints nothing if there are no such reports. */
void show_others(const struct others_view *view);

/* Sets "tls" and "failures" in `object`, and the number of domains that each
 * omits. */
void show_others_json(json_t *object, const struct others_view *view);

#endif
