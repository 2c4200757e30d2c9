/*
 * metrics_http.h - counters.h over HTTP, for Prometheus and `avouch status`: on
 * the loopback interface or a unix socket, off unless configured.
 */
#ifndef AVOUCH_MILTER_METRICS_HTTP_H
#define AVOUCH_MILTER_METRICS_HTTP_H

#include <stdbool.h>

#include "lib/buf.h"
#include "conf/conf.h"

/*
 * Opens the socket, with the rights the daemon was started with; nothing
 * happens where none is configured.  The texts of `conf` must stay.
 */
bool metrics_http_open(const struct conf *conf, struct buf *error);

/* Begins to answer, in a thread of its own, which is nicer than those that have
 * mail to do.  After service_start(). */
bool metrics_http_start(const struct conf *conf, struct buf *error);

/* Before service_end(). */
void metrics_http_close(void);

#endif
