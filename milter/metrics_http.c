#include "milter/metrics_http.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/metrics.h"
#include "host/listen.h"

enum {
	/*
	 * Connections that are served at the same time.  Each further
	 * connection closes the oldest one, so that clients that send no
	 * request, or only part of one, cannot lock out others.
	 */
	CONNECTIONS_KEPT = 16,
	/* including those that are being closed */
	CONNECTIONS_MAX = 2 * CONNECTIONS_KEPT,
	REQUEST_MAX = 16 * 1024, /* bytes of memory per connection */
	IDLE_SECONDS = 10,
	UNIX_MODE = 0660,
	NICE = 10,
};

#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"

/* The metrics server of the process.  Only the main thread uses it, except for
 * the ring of connections. */
static struct {
	struct listen_options options;
	struct listen_socket socket;
	struct MHD_Daemon *daemon;
	/* ring of connections, used only by libmicrohttpd's thread */
	struct MHD_Connection *connections[CONNECTIONS_KEPT];
	size_t next;
} metrics = { .socket.fd = -1 };

static enum MHD_Result
send_response(struct MHD_Connection *c, unsigned status, const char *type,
    char *text, size_t size, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(size, text, mode);
	enum MHD_Result done = MHD_NO;

	if (r == NULL) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) ==
	    MHD_YES)
		done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result
send_metrics(struct MHD_Connection *c)
{
	static char no_page[] = "out of memory\n";
	char *memory = malloc(METRICS_PAGE_MAX);
	struct buf page =
	    buf_wrap(memory, memory != NULL ? METRICS_PAGE_MAX : 0);

	metrics_put(&page);
	if (!page.full)
		return send_response(c, MHD_HTTP_OK, TEXT_FORMAT, page.p,
		    page.n, MHD_RESPMEM_MUST_FREE);
	free(memory);
	return send_response(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
	    no_page, sizeof(no_page) - 1, MHD_RESPMEM_PERSISTENT);
}

/* Lowers the priority of libmicrohttpd's only thread: mail is more
 * important. */
static void
lower_priority(void)
{
	static bool done;

	if (!done)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	done = true;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	static char elsewhere[] = "the metrics are at /metrics\n";
	static char only_get[] = "only GET and HEAD are supported\n";

	(void)arg;
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	lower_priority();
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_response(c, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "text/plain", only_get, sizeof(only_get) - 1,
		    MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics") != 0)
		return send_response(c, MHD_HTTP_NOT_FOUND, "text/plain",
		    elsewhere, sizeof(elsewhere) - 1, MHD_RESPMEM_PERSISTENT);
	return send_metrics(c);
}

/* Shuts the connection down; libmicrohttpd closes it when it reads
 * end-of-file. */
static void
shut_down_connection(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info != NULL)
		shutdown(info->connect_fd, SHUT_RDWR);
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **place,
    enum MHD_ConnectionNotificationCode code)
{
	struct MHD_Connection **mine = *place;

	(void)arg;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		mine = &metrics.connections[metrics.next];
		metrics.next = (metrics.next + 1) % CONNECTIONS_KEPT;
		if (*mine != NULL)
			shut_down_connection(*mine);
		*mine = c;
		*place = mine;
	} else if (mine != NULL && *mine == c) {
		*mine = NULL;
	}
}

bool
metrics_http_open(const struct conf *conf, struct buf *error)
{
	if (conf->metrics.listen == NULL)
		return true;
	metrics.options = (struct listen_options){
		.socket = conf->metrics.listen,
		.mode = UNIX_MODE,
		.group = conf->socket_group,
	};
	return listen_open(&metrics.options, &metrics.socket, error);
}

bool
metrics_http_start(const struct conf *conf, struct buf *error)
{
	if (metrics.socket.fd < 0)
		return true;
	metrics.daemon =
	    MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET,
		metrics.socket.fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_END);
	if (metrics.daemon == NULL) {
		buf_printf(error,
		    "metrics.listen: cannot start the HTTP server on %s",
		    conf->metrics.listen);
		metrics_http_close();
		return false;
	}
	return true;
}

void
metrics_http_close(void)
{
	if (metrics.daemon != NULL) {
		MHD_stop_daemon(metrics.daemon); /* closes the descriptor */
		metrics.socket.fd = -1;
	}
	metrics.daemon = NULL;
	listen_close(&metrics.socket);
}
