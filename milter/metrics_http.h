/*
 * metrics_http.h - serves the metrics (metrics.h) over HTTP, for Prometheus and
 * `avouch status`, on a TCP or unix socket; off unless metrics.listen is set.
 */
#ifndef AVOUCH_MILTER_METRICS_HTTP_H
#define AVOUCH_MILTER_METRICS_HTTP_H

#include <stdbool.h>

#include "lib/buf.h"
#include "conf/conf.h"

/*
 * Opens the socket.  Call before privileges are dropped.  Does nothing if no
 * socket is configured.  The strings of `conf` must remain valid until
 * metrics_http_close().  Returns false on error, and `error` says why.
 */
bool metrics_http_open(const struct conf *conf, struct buf *error);

/* Starts the HTTP server in a separate thread with lower priority.  Call after
 * service_start().  Returns false on error, and `error` says why. */
bool metrics_http_start(const struct conf *conf, struct buf *error);

/* Stops the server.  Call before service_end(). */
void metrics_http_close(void);

#endif
