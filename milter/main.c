/*
 * main.c - avouch-milter: startup, signals, reload and shutdown.
 *
 * The main thread waits for signals.  libmilter's listener, its workers and the
 * resolver have separate threads.
 */
#include <errno.h>
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/compat/malloc.h"
#include "lib/log.h"
#include "milter/callbacks.h"
#include "milter/sandbox.h"
#include "milter/libmilter_quirks.h"
#include "host/check.h"
#include "host/listen.h"
#include "milter/metrics_http.h"
#include "milter/daemonize.h"
#include "milter/key_watch.h"
#include "milter/message_sink.h"
#include "milter/own_guard.h"
#include "milter/service.h"
#include "milter/sign_sink.h"
#include "milter/signals.h"
#include "milter/signer_process.h"
#include "conf/conf.h"
#include "verify/dns_task.h"
#include "verify/verify.h"

#define PROGRAM "avouch-milter"

enum {
	ERROR_MAX = 1000,
	TICK_MS = 1000,     /* interval between calls to tick() */
	BUSY_TICK_MS = 100, /* interval while an MTA is connected: tick() wakes
	                       connections that are waiting for a stalled one */
	DRAIN_STEP_MS =
	    20, /* interval between checks for messages in progress */
	DRAIN_MORE_MS = 2000, /* added to "timeout" for hashing and replies */
	REPLY_MS =
	    200, /* time for libmilter's threads to send the last replies */
	SELF_TEST_MS = 5000,     /* time for libmilter's threads to start */
	SIGNER_START_MS = 60000, /* time for the signing process to start;
	                            systemd waits 90 s for a service */
	SIGNER_MS = 5000, /* time for the signing process to reload or exit */
	TRIM_MS = 5000,   /* interval between checks of malloc's free memory */
	TRIM_BYTES = 8 << 20, /* free memory that malloc may keep */
	ARENAS = 4, /* malloc arenas.  The default is eight per processor, and
	               each keeps the memory that threads have freed */
};

struct daemon {
	const char *path; /* path of the configuration file */
	bool foreground;
	bool only_test;
	const struct conf
	    *conf; /* as read at startup; not replaced by a reload */
	struct listen_options options, sign_options;
	struct listen_socket socket, sign_socket;
	struct signer_process signer;
	bool is_signer; /* true in the signing process */
	enum conf_sandbox sandbox;
	char
	    unsandboxed[ERROR_MAX]; /* why parts of the sandbox failed, or "" */
	atomic_bool listener_ended;
	struct libmilter_state libmilter;
	bool has_handlers; /* signals_take_by_handler() */
	unsigned watchdog_ms;
	int64_t watchdog_next;
	int64_t trim_next;
	size_t trimmed; /* bytes that malloc had free before the last trim */
};

static int
print_error(int status, const char *text)
{
	fprintf(stderr, PROGRAM ": %s\n", text);
	return status;
}

/* ---- the command line ---- */

static void
usage(FILE *to)
{
	fputs("usage: " PROGRAM " [-f] [-c FILE]   run; -f: in the foreground\n"
	      "       " PROGRAM
	      " -t [-c FILE]     check the configuration, and that\n"
	      "                                    everything it names exists "
	      "here\n"
	      "       " PROGRAM " -V, --version    print the version\n"
	      "       " PROGRAM " -h, --help       print this help\n"
	      "The default FILE is " CONF_DEFAULT_FILE ".\n",
	    to);
}

/* Reads the command line.  Returns an exit status, or -1 to continue. */
static int
read_arguments(int argc, char **argv, struct daemon *d)
{
	static const struct option words[] = {
		{ .name = "help", .val = 'h' },
		{ .name = "version", .val = 'V' },
		{ 0 },
	};

	d->path = CONF_DEFAULT_FILE;
	for (int c;
	     (c = getopt_long(argc, argv, "c:fthV", words, NULL)) != -1;) {
		switch (c) {
		case 'c':
			d->path = optarg;
			break;
		case 'f':
			d->foreground = true;
			break;
		case 't':
			d->only_test = true;
			break;
		case 'V':
			puts(PROGRAM " " AVOUCH_VERSION);
			return EX_OK;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EX_USAGE;
	}
	return -1;
}

/* ---- start ---- */

/* In the background there is no stderr, so the log goes to syslog. */
static void
set_log(const struct daemon *d, const struct conf *conf)
{
	log_setup(PROGRAM, conf->log,
	    d->foreground ? conf->log_target : LOG_TARGET_SYSLOG,
	    LOG_LEVEL_INFO);
}

static void *
run_listener(void *arg)
{
	struct daemon *d = arg;

	(void)smfi_main(); /* libmilter logs why it returns */
	atomic_store(&d->listener_ended, true);
	return NULL;
}

/* Runs one step of starting the metrics server.  Errors are logged, and do not
 * prevent the daemon from starting. */
static void
try_metrics(const struct daemon *d,
    bool (*step)(const struct conf *conf, struct buf *error))
{
	char text[LISTEN_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));

	if (!step(d->conf, &error))
		log_say(LOG_LEVEL_ERROR, "metrics",
		    "%s; metrics are not available", text);
}

/* Enters the sandbox.  Call before any thread starts: only threads started
 * later inherit the restrictions. */
static void
begin_sandbox(struct daemon *d)
{
	struct buf missing = buf_wrap(d->unsandboxed, sizeof(d->unsandboxed));

	d->sandbox = sandbox_enter(d->conf, d->path, &missing);
}

static bool
open_sockets(struct daemon *d, struct buf *error)
{
	return (d->options.socket == NULL ||
		   listen_open(&d->options, &d->socket, error)) &&
	    (d->sign_options.socket == NULL ||
		listen_open(&d->sign_options, &d->sign_socket, error));
}

/* Sets the role of the process, which from now on has only one socket:
 * d->socket. */
static void
take_role(struct daemon *d, enum service_role role)
{
	service_set_role(role);
	if (role == SERVICE_VERIFY) {
		listen_forget(&d->sign_socket);
		return;
	}
	listen_forget(&d->socket);
	d->socket = d->sign_socket;
	d->options = d->sign_options;
	d->sign_socket = (struct listen_socket){ .fd = -1 };
}

/* Starts a second process if there are two sockets, and sets the role of each
 * process. */
static bool
divide(struct daemon *d, struct buf *error)
{
	bool only_sign = d->options.socket == NULL;

	if (!only_sign && d->sign_options.socket != NULL &&
	    !signer_process_fork(&d->signer, &d->is_signer, error))
		return false;
	take_role(d, only_sign || d->is_signer ? SERVICE_SIGN : SERVICE_VERIFY);
	return true;
}

/* Does everything that needs the initial privileges, and then drops them.
 * Returns an exit status, or -1 to continue. */
static int
begin_with_rights(struct daemon *d, struct buf *error)
{
	openlog(PROGRAM, LOG_PID, LOG_MAIL); /* also used by libmilter */
	if (!open_sockets(d, error))
		return EX_UNAVAILABLE;
	if (!d->foreground && !daemonize_background(error))
		return EX_OSERR;
	if (!sign_sink_open(error) || !divide(d, error))
		return EX_OSERR;
	if (!d->is_signer)
		try_metrics(d, metrics_http_open);
	if (!callbacks_register(d->socket.path == NULL)) {
		buf_text(error, "libmilter: out of memory");
		return EX_OSERR;
	}
	if (!libmilter_listen(&d->options, &d->socket, error))
		return EX_UNAVAILABLE;
	key_watch_prepare(d->conf);
	if (!daemonize_set_user(d->conf->user, error))
		return EX_CONFIG;
	if (d->is_signer && !signer_process_follow()) {
		buf_text(error, "the main process has ended");
		return EX_SOFTWARE;
	}
	key_watch_make_state(d->conf);
	begin_sandbox(d);
	return -1;
}

/* Starts the threads.  Returns an exit status, or -1 to continue. */
static int
begin_threads(struct daemon *d, struct buf *error)
{
	pthread_t listener;

	signals_block();
	daemonize_small_stacks();
	if (!verify_start()) {
		buf_text(error,
		    "OpenSSL does not offer SHA-256 or RSA; see: openssl list "
		    "-providers");
		return EX_OSERR;
	}
	if (!service_start(d->path, d->conf, daemonize_raise_files(), error) ||
	    (service_role() == SERVICE_VERIFY &&
		!message_sink_open(d->conf, error)))
		return EX_CONFIG;
	if (!key_watch_start(d->conf, d->is_signer ? ".sign" : "")) {
		buf_text(error, "cannot start a thread");
		return EX_OSERR;
	}
	if (pthread_create(&listener, NULL, run_listener, d) != 0 ||
	    pthread_detach(listener) != 0) {
		buf_text(error, "cannot start a thread");
		return EX_OSERR;
	}
	d->libmilter = libmilter_self_test(SELF_TEST_MS, &d->listener_ended);
	if (atomic_load(&d->listener_ended)) {
		buf_text(error, "libmilter did not start; see the log");
		return EX_OSERR;
	}
	if (!d->libmilter.signals_are_ours)
		d->has_handlers = signals_take_by_handler();
	return -1;
}

static void
log_warnings(const struct conf *conf)
{
	char *text = NULL, *line, *end;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return;
	conf_print_warnings(conf, f);
	fclose(f);
	for (line = text; line != NULL && *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		log_say(LOG_LEVEL_WARNING, "configuration", "%.*s",
		    (int)(end - line), line);
		end += *end == '\n';
	}
	free(text);
}

static void
warn_expired_overrides(const struct conf *conf)
{
	int64_t now = clock_now().now;
	struct log_line l;

	for (size_t i = 0; i < conf->n_overrides; i++) {
		if (!conf_override_expired(&conf->overrides[i], now))
			continue;
		log_begin(&l, LOG_LEVEL_WARNING, "override");
		log_text(&l, "override", conf->overrides[i].name);
		log_number(&l, "line", conf->overrides[i].line);
		log_text(&l, "text",
		    "this override has expired and no longer applies; remove "
		    "it, or set a later date");
		log_end(&l);
	}
}

static void
warn_about_libmilter(const struct daemon *d)
{
	if (!d->libmilter.signals_are_ours)
		log_say(LOG_LEVEL_WARNING, "libmilter",
		    "libmilter handles signals itself, which avouch could not "
		    "prevent: %s",
		    d->has_handlers
			? "signal handlers are used instead; a second signal "
			  "that arrives at the same time may end the daemon"
			: "SIGHUP and SIGTERM may end the daemon immediately");
	if (!d->libmilter.wakes)
		log_say(LOG_LEVEL_WARNING, "libmilter",
		    "%s: the daemon cannot connect to its own socket to wake "
		    "libmilter's workers; messages may have to wait for slow "
		    "ones; check socket_mode and local firewall rules",
		    d->options.socket);
	else if (!d->libmilter.reads_ahead)
		log_say(LOG_LEVEL_WARNING, "libmilter",
		    "libmilter reads from its connections in an unexpected "
		    "way; messages are handled as usual, but cost more CPU");
}

static void
log_start(const struct daemon *d)
{
	char text[ERROR_MAX];
	struct buf resolvers = buf_wrap(text, sizeof(text));
	struct log_line l;

	service_put_resolvers(&resolvers);
	log_begin(&l, LOG_LEVEL_INFO, "start");
	log_text(&l, "version", AVOUCH_VERSION);
	log_text(
	    &l, "mode", d->conf->mode == CONF_ENFORCE ? "enforce" : "monitor");
	log_text(
	    &l, "role", service_role() == SERVICE_SIGN ? "sign" : "verify");
	log_text(&l, "socket", d->options.socket);
	log_text(&l, "resolvers", text);
	if (d->conf->metrics.listen != NULL)
		log_text(&l, "metrics", d->conf->metrics.listen);
	log_text(&l, "configuration", d->path);
	log_text(&l, "sandbox", conf_sandbox_name(d->sandbox));
	log_number(&l, "pid", (int64_t)getpid());
	log_end(&l);
	if (d->unsandboxed[0] != '\0')
		log_say(LOG_LEVEL_WARNING, "sandbox", "%s", d->unsandboxed);
	if (!d->is_signer) {
		log_warnings(d->conf);
		warn_expired_overrides(d->conf);
	}
	warn_about_libmilter(d);
}

/* ---- running ---- */

static void
reload_conf(struct daemon *d)
{
	char state[100];
	struct buf b = buf_wrap(state, sizeof(state));
	struct service_runtime *v;
	struct log_line l;

	buf_printf(
	    &b, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
	daemonize_notify(state);
	signer_process_reload(&d->signer);
	if (service_reload()) {
		v = service_ref();
		set_log(d, v->conf);
		own_guard_forget();
		log_begin(&l, LOG_LEVEL_INFO, "reload");
		log_text(&l, "mode",
		    v->conf->mode == CONF_ENFORCE ? "enforce" : "monitor");
		log_text(&l, "configuration", d->path);
		log_end(&l);
		key_watch_reload(v->conf);
		if (!d->is_signer) {
			log_warnings(v->conf);
			warn_expired_overrides(v->conf);
		}
		service_unref(v);
	}
	if (d->is_signer)
		signer_process_ready(&d->signer);
	else if (!signer_process_wait_ready(&d->signer, SIGNER_MS))
		log_say(LOG_LEVEL_ERROR, "reload",
		    "the signing process did not reload in time");
	daemonize_notify("READY=1");
}

/*
 * Returns free memory to the system after a burst of mail.  malloc itself
 * releases only memory at the end of an arena, which is nearly always in use.
 */
static void
trim_memory(struct daemon *d)
{
	size_t free_bytes;

	if (clock_ms() < d->trim_next)
		return;
	d->trim_next = clock_ms() + TRIM_MS;
	free_bytes = malloc_free_bytes();
	if (free_bytes <= TRIM_BYTES || free_bytes == d->trimmed)
		return;
	/* memory that is freed meanwhile must change the number */
	d->trimmed = free_bytes;
	malloc_return_memory();
}

static void
tick(struct daemon *d)
{
	trim_memory(d);
	(void)
	    clock_now(); /* notices and logs clock changes, even without mail */
	own_guard_tick();
	if (service_has_connections())
		libmilter_wake();
	if (d->watchdog_ms == 0 || clock_ms() < d->watchdog_next)
		return;
	d->watchdog_next = clock_ms() + d->watchdog_ms / 2;
	if (service_is_alive())
		daemonize_notify("WATCHDOG=1");
}

/* Returns true, and logs the reason, if the daemon has to end without a
 * signal. */
static bool
must_end(struct daemon *d)
{
	const char *why = atomic_load(&d->listener_ended)
	    ? "libmilter stopped listening"
	    : !signer_process_is_alive(&d->signer)
	    ? "the signing process has ended"
	    : NULL;

	if (why != NULL)
		log_say(LOG_LEVEL_ERROR, "stop", "%s", why);
	return why != NULL;
}

/* Runs until SIGTERM or SIGINT.  Returns false if the daemon has to end without
 * a signal. */
static bool
run_until_signal(struct daemon *d)
{
	unsigned idle_ms = TICK_MS;

	d->watchdog_ms = daemonize_watchdog_ms();
	if (d->watchdog_ms > 0 && d->watchdog_ms / 4 < idle_ms)
		idle_ms = d->watchdog_ms / 4 + 1;
	for (;;) {
		unsigned wait_ms =
		    service_has_connections() && BUSY_TICK_MS < idle_ms
		    ? BUSY_TICK_MS
		    : idle_ms;
		int number = signals_next(wait_ms);

		if (number == SIGHUP)
			reload_conf(d);
		else if (number != 0)
			return true;
		if (must_end(d))
			return false;
		tick(d);
	}
}

/* ---- shutdown ---- */

/*
 * Refuses new connections and waits for the messages in progress, for at most
 * "timeout" plus DRAIN_MORE_MS.  A second signal ends the wait.
 */
static void
drain(struct daemon *d)
{
	struct service_runtime *v = service_ref();
	int64_t until = clock_ms() + v->conf->timeout_ms + DRAIN_MORE_MS;

	service_unref(v);
	service_close();
	log_say(LOG_LEVEL_INFO, "stop", "messages in progress: %zu",
	    service_in_progress());
	daemonize_notify("STOPPING=1");
	while (service_in_progress() > 0 && clock_ms() < until) {
		int number = signals_next(DRAIN_STEP_MS);

		/* The signing process gets two signals: one from the service
		 * manager and one from the first process. */
		if (!d->is_signer && (number == SIGTERM || number == SIGINT))
			break;
		tick(d);
	}
	usleep(REPLY_MS * 1000);
	if (service_in_progress() > 0)
		log_say(LOG_LEVEL_WARNING, "stop",
		    "%zu messages were not finished; their senders will try "
		    "again",
		    service_in_progress());
}

static void
close_sockets(struct daemon *d)
{
	if (!d->is_signer)
		metrics_http_close();
	listen_close(&d->socket);
	listen_close(&d->sign_socket);
}

/*
 * libmilter's threads end with the process.  smfi_stop() is not called: it
 * would only make them close their connections between two events, and it locks
 * a mutex that the listener has destroyed.  After service_end(), all callbacks
 * do nothing.
 */
static int
shut_down(struct daemon *d, bool asked)
{
	unsigned wait_ms = d->conf->timeout_ms + DRAIN_MORE_MS;
	int status = asked ? EX_OK : EX_OSERR;

	signer_process_signal(&d->signer, SIGTERM);
	if (asked)
		drain(d);
	close_sockets(d);
	own_guard_close();
	key_watch_stop();
	if (!service_end(wait_ms, callbacks_leave)) {
		log_say(LOG_LEVEL_ERROR, "stop",
		    "the check of a message did not finish in time");
		_exit(EX_SOFTWARE);
	}
	message_sink_close();
	signer_process_end(&d->signer, wait_ms + SIGNER_MS);
	log_say(LOG_LEVEL_INFO, "stop", "ended");
	return status;
}

static int
serve(struct daemon *d)
{
	char text[ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	int status = begin_with_rights(d, &error);

	if (status < 0) {
		conf_ref(
		    d->conf); /* service_start() takes over this reference */
		status = begin_threads(d, &error);
	}
	if (status < 0 && !d->is_signer &&
	    !signer_process_wait_ready(&d->signer, SIGNER_START_MS)) {
		buf_text(&error, "the signing process did not start");
		status = EX_UNAVAILABLE;
	}
	if (status >= 0) {
		signer_process_end(&d->signer, SIGNER_MS);
		close_sockets(d);
		return print_error(status, text);
	}
	set_log(d, d->conf);
	if (!d->is_signer)
		try_metrics(d, metrics_http_start);
	log_start(d);
	if (d->is_signer)
		signer_process_ready(&d->signer);
	daemonize_notify("READY=1");
	daemonize_ready();
	return shut_down(d, run_until_signal(d));
}

/* Implements option -t. */
static int
run_test(const struct daemon *d)
{
	conf_print_warnings(d->conf, stderr);
	if (!host_check(d->conf, stderr, stderr))
		return EX_CONFIG;
	printf("%s: the configuration is valid\n", d->path);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	/* static, because threads still use it when main() returns */
	static struct daemon d = {
		.socket.fd = -1,
		.sign_socket.fd = -1,
		.signer.ready = -1,
	};
	int status = read_arguments(argc, argv, &d);
	char *absolute;

	if (status >= 0)
		return status;
	d.conf = conf_read(d.path, stderr);
	if (d.conf == NULL)
		return EX_CONFIG;
	malloc_limit_arenas(ARENAS);
	(void)clock_now(); /* sets the reference for later clock checks */
	d.options = (struct listen_options){
		.socket = d.conf->socket,
		.mode = d.conf->socket_mode,
		.group = d.conf->socket_group,
		.user = d.conf->user,
	};
	d.sign_options = d.options;
	d.sign_options.socket = d.conf->sign.socket;
	if (d.only_test) {
		status = run_test(&d);
		conf_unref(d.conf);
		return status;
	}
	absolute =
	    realpath(d.path, NULL); /* the daemon changes its directory to
	                               "/" */
	if (absolute != NULL)
		d.path = absolute;
	status = serve(&d);
	conf_unref(d.conf);
	free(absolute);
	return status;
}
