#include "milter/metrics.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/counters.h"
#include "milter/listen.h"

enum {
	CONNECTIONS_MAX = 16,
	REQUEST_MAX = 16 * 1024, /* bytes of memory for a connection */
	IDLE_SECONDS = 10,
	UNIX_MODE = 0660,
};

/* One for the process; the main thread's. */
static struct {
	struct listen_wish wish;
	struct listen_socket socket;
	struct MHD_Daemon *daemon;
} metrics = { .socket.fd = -1 };

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, const char *type, char *text,
    size_t size, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(size, text, mode);
	enum MHD_Result done = MHD_NO;

	if (r == NULL)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) ==
	    MHD_YES)
		done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result
put_counters(struct MHD_Connection *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return MHD_NO;
	counters_put(f);
	if (fclose(f) != 0) {
		free(text);
		return MHD_NO;
	}
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4", text, size,
	    MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	static char elsewhere[] = "the metrics are at /metrics\n";
	static char only_get[] = "only GET is known here\n";

	(void)arg;
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
		    only_get, sizeof(only_get) - 1, MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics") != 0)
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", elsewhere,
		    sizeof(elsewhere) - 1, MHD_RESPMEM_PERSISTENT);
	return put_counters(c);
}

bool
metrics_open(const struct conf *conf, struct buf *error)
{
	if (conf->metrics.listen == NULL)
		return true;
	metrics.wish = (struct listen_wish){
		.socket = conf->metrics.listen,
		.mode = UNIX_MODE,
		.group = conf->socket_group,
	};
	return listen_open(&metrics.wish, &metrics.socket, error);
}

bool
metrics_start(struct buf *error)
{
	if (metrics.socket.fd < 0)
		return true;
	metrics.daemon =
	    MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
		metrics.socket.fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)REQUEST_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_SECONDS, MHD_OPTION_END);
	if (metrics.daemon == NULL) {
		buf_printf(error, "metrics.listen: %s cannot be served",
		    metrics.wish.socket);
		return false;
	}
	return true;
}

void
metrics_close(void)
{
	if (metrics.daemon != NULL) {
		MHD_stop_daemon(metrics.daemon); /* closes the descriptor */
		metrics.socket.fd = -1;
	}
	metrics.daemon = NULL;
	listen_close(&metrics.socket);
}
