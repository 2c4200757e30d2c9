/*
 * cmd_status.c - avouch status: shows what the daemon has done since it
 * started, from the metrics that it serves for monitoring (metrics.listen).
 *
 * The metrics become one JSON object.  Its keys are the names of the metrics
 * without "avouch_".  Each label adds a level whose keys are the label's
 * values.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status_signing.h"
#include "dns/resolver.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "conf/conf.h"

enum {
	ANSWER_MAX = 1 << 20, /* bytes; the daemon sends at most 64 KiB */
	WAIT_SECONDS = 5,
	LABELS_MAX = 4,
	FRACTION_MAX = 1000000000, /* nine decimal digits */
};

/* ---- HTTP request ---- */

union metrics_address {
	struct sockaddr any;
	struct sockaddr_storage inet;
	struct sockaddr_un un;
};

/* Converts metrics.listen from the form in which conf_read() stores it.
 * Returns the size of the address, or 0 if it is not valid. */
static socklen_t
metrics_address_read(const char *listen, union metrics_address *a)
{
	struct span text = span_str(listen);
	struct scan s = scan_of(span_skip(text, span_index(text, ':') + 1));
	struct span rest = scan_rest(&s);
	struct ip ip;
	uint64_t port;

	if (span_starts_nocase(text, "unix:")) {
		if (rest.n >= sizeof(a->un.sun_path))
			return 0;
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, rest.p, rest.n);
		return sizeof(a->un);
	}
	if (!scan_number(&s, UINT16_MAX, &port) || !scan_byte(&s, '@') ||
	    !ip_parse(scan_rest(&s), &ip))
		return 0;
	return (socklen_t)ip_to_sockaddr(&ip, (uint16_t)port, &a->inet);
}

/* Reads the whole response into `out`.  Returns 0, or the value of errno on
 * failure. */
static int
metrics_fetch(const char *listen, struct buf *out)
{
	static const char request[] =
	    "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
	const struct timeval wait = { .tv_sec = WAIT_SECONDS };
	union metrics_address a = { 0 };
	socklen_t size = metrics_address_read(listen, &a);
	ssize_t n = 1;
	int fd, code = 0;

	if (size == 0)
		return EAFNOSUPPORT;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, &a.any, size) != 0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) !=
		(ssize_t)sizeof(request) - 1)
		code = errno != 0 ? errno : EIO;
	while (code == 0 && n > 0) {
		if (out->n + 1 >= out->cap) {
			code = EMSGSIZE;
			break;
		}
		n = recv(fd, out->p + out->n, out->cap - out->n - 1, 0);
		if (n < 0)
			code = errno == EAGAIN ? ETIMEDOUT : errno;
		else
			out->n += (size_t)n;
	}
	close(fd);
	return code;
}

/* Returns the body of a response (RFC 9112 section 4) with status 200, or an
 * absent span. */
static struct span
http_body(struct span answer)
{
	struct scan s = scan_of(answer);
	uint64_t status;

	if (!scan_text_nocase(&s, "HTTP/1.") || scan_next(&s) < 0 ||
	    !scan_byte(&s, ' ') || !scan_number(&s, 999, &status) ||
	    status != 200)
		return SPAN_NONE;
	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (span_trim(line).n == 0)
			return scan_rest(&s);
	}
	return SPAN_NONE;
}

/* ---- parsing ---- */

static bool
is_metric_name_byte(unsigned char c)
{
	return ascii_is_alnum(c) || c == '_';
}

/* One line of the metrics page. */
struct metrics_sample {
	struct span name;
	struct span words[LABELS_MAX]; /* values of the labels */
	size_t n_words;
	json_t *value;
};

/* Parses {name="value",...}.  The daemon's values never contain escapes. */
static bool
labels_read(struct scan *s, struct metrics_sample *out)
{
	if (!scan_byte(s, '{'))
		return true;
	do {
		if (out->n_words == LABELS_MAX ||
		    scan_while(s, is_metric_name_byte).n == 0 ||
		    !scan_byte(s, '=') || !scan_byte(s, '"'))
			return false;
		out->words[out->n_words++] = scan_until(s, '"');
		if (!scan_byte(s, '"'))
			return false;
	} while (scan_byte(s, ','));
	return scan_byte(s, '}');
}

static bool
sample_read(struct span line, struct metrics_sample *out)
{
	struct scan s = scan_of(line);
	uint64_t whole, part = 0, scale = 1;

	*out = (struct metrics_sample){ .name = scan_while(
					    &s, is_metric_name_byte) };
	if (out->name.n == 0 || !labels_read(&s, out) || !scan_byte(&s, ' ') ||
	    !scan_number(&s, INT64_MAX, &whole))
		return false;
	if (scan_done(&s)) {
		out->value = json_integer((json_int_t)whole);
		return true;
	}
	if (!scan_byte(&s, '.'))
		return false;
	for (int c; scale < FRACTION_MAX && (c = scan_next(&s)) >= 0;
	     scale *= 10) {
		if (c < '0' || c > '9')
			return false;
		part = part * 10 + (uint64_t)(c - '0');
	}
	out->value = json_real((double)whole + (double)part / (double)scale);
	return scan_done(&s);
}

/* Returns the object at `key`; creates it if there is none. */
static json_t *
object_at(json_t *object, struct span key)
{
	json_t *o = json_object_getn(object, key.p, key.n);

	if (!json_is_object(o)) {
		o = json_object();
		json_object_setn_new(object, key.p, key.n, o);
	}
	return o;
}

static void
sample_add(json_t *to, const struct metrics_sample *sample)
{
	static const char *const parts[] = { "_bucket", "_sum", "_count" };
	struct span name = sample->name;
	struct span words[LABELS_MAX + 2];
	size_t n = 0;

	if (span_starts_nocase(name, "avouch_"))
		name = span_skip(name, sizeof("avouch_") - 1);
	words[n++] = name;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (span_ends_nocase(name, parts[i])) {
			size_t length = strlen(parts[i]);

			words[0] = span_first(name, name.n - length);
			words[n++] = span_str(parts[i] + 1);
		}
	for (size_t i = 0; i < sample->n_words; i++)
		words[n++] = sample->words[i];
	for (size_t i = 0; i + 1 < n; i++)
		to = object_at(to, words[i]);
	json_object_setn_new(to, words[n - 1].p, words[n - 1].n, sample->value);
}

/* Replaces build_info and enforcing with "version" and "mode". */
static void
info_move(json_t *o)
{
	const char *version = json_object_iter_key(
	    json_object_iter(json_object_get(o, "build_info")));
	bool enforcing =
	    json_integer_value(json_object_get(o, "enforcing")) != 0;

	cli_set_text(o, "version", version);
	cli_set_text(o, "mode", enforcing ? "enforce" : "monitor");
	json_object_del(o, "build_info");
	json_object_del(o, "enforcing");
}

/* Returns NULL if a line cannot be parsed. */
static json_t *
metrics_page_read(struct span page)
{
	struct scan s = scan_of(page);
	json_t *o = json_object();

	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');
		struct metrics_sample sample;

		scan_byte(&s, '\n');
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!sample_read(line, &sample)) {
			json_decref(sample.value);
			json_decref(o);
			return NULL;
		}
		sample_add(o, &sample);
	}
	info_move(o);
	return o;
}

/* ---- text output ---- */

static json_t *
metric_at(json_t *o, const char *name, const char *word)
{
	o = json_object_get(o, name);
	return word != NULL ? json_object_get(o, word) : o;
}

static json_int_t
metric_number(json_t *o, const char *name, const char *word)
{
	return json_integer_value(metric_at(o, name, word));
}

/* Writes counters that are not 0, for example "pass 12, fail 3". */
static void
put_nonzero_counters(struct buf *b, json_t *words)
{
	const char *word;
	json_t *value;
	size_t before = b->n;

	json_object_foreach(words, word, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		if (b->n > before)
			buf_text(b, ", ");
		buf_text(b, word);
		buf_byte(b, ' ');
		buf_number(b, (uint64_t)json_integer_value(value));
	}
	if (b->n == before)
		buf_byte(b, '-');
}

static void
line_counters(const char *label, json_t *words)
{
	char memory[400];
	struct buf b = buf_wrap(memory, sizeof(memory));

	put_nonzero_counters(&b, words);
	cli_line(label, buf_view(&b));
}

/* Writes the upper bound of the bucket that contains the given percentile. */
static void
put_percentile(
    struct buf *b, json_t *histogram, json_int_t percent, const char *unit)
{
	json_t *buckets = json_object_get(histogram, "bucket");
	json_int_t all = metric_number(histogram, "count", NULL);
	const char *bound;
	json_t *value;

	json_object_foreach(buckets, bound, value)
	{
		if (json_integer_value(value) * 100 < all * percent)
			continue;
		buf_number(b, (uint64_t)percent);
		buf_text(b, " % within ");
		buf_text(b, bound);
		buf_text(b, unit);
		return;
	}
}

static void
line_histogram(const char *label, json_t *histogram, const char *unit)
{
	static const json_int_t percents[] = { 50, 95, 99 };
	char memory[200];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (metric_number(histogram, "count", NULL) == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		if (i > 0)
			buf_text(&b, ", ");
		put_percentile(&b, histogram, percents[i], unit);
	}
	cli_line(label, buf_view(&b));
}

static void
line_time(const char *label, int64_t since, int64_t now)
{
	char memory[60];
	struct buf b = buf_wrap(memory, sizeof(memory));
	uint64_t s = now > since ? (uint64_t)(now - since) : 0;

	if (s >= 86400)
		buf_printf(&b, "%llud ", (unsigned long long)(s / 86400));
	buf_printf(&b, "%lluh %02llum %02llus ago",
	    (unsigned long long)(s / 3600 % 24),
	    (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
	cli_line(label, buf_view(&b));
}

/* Prints "label   text\n". */
static void __attribute__((format(printf, 2, 3)))
line_text(const char *label, const char *format, ...)
{
	char memory[300];
	va_list args;

	va_start(args, format);
	vsnprintf(memory, sizeof(memory), format, args);
	va_end(args);
	cli_line_text(label, memory);
}

#define RED "\033[1;31m"
#define PLAIN "\033[0m"

/* Prints a line for each reason why a resolver does not work, in red on a
 * terminal unless NO_COLOR is set (https://no-color.org). */
static void
print_resolvers(json_t *o)
{
	json_t *servers = json_object_get(o, "resolver_failing_seconds");
	const char *no_color = getenv("NO_COLOR");
	bool red = isatty(STDOUT_FILENO) == 1 &&
	    (no_color == NULL || no_color[0] == '\0');
	const char *server, *reason;
	json_t *reasons, *seconds;

	json_object_foreach(servers, server, reasons)
	{
		unsigned failing = 0;

		json_object_foreach(reasons, reason, seconds)
		{
			long long s = json_integer_value(seconds);
			enum dns_trouble trouble;

			if (s == 0)
				continue;
			failing++;
			trouble = dns_trouble_from_name(span_str(reason));
			fputs(red ? RED : "", stdout);
			line_text("resolver",
			    "%s has been FAILING for %lld s: %s", server, s,
			    dns_trouble_text(trouble));
			fputs(red ? PLAIN : "", stdout);
		}
		if (failing == 0)
			line_text("resolver", "%s works", server);
	}
}

static void
print_messages(json_t *o)
{
	static const char *const methods[] = { "spf", "spf_helo", "dkim", "arc",
		"dmarc" };

	line_counters("messages", json_object_get(o, "messages_total"));
	line_counters(
	    "if enforced", json_object_get(o, "messages_would_total"));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		line_counters(
		    methods[i], metric_at(o, "results_total", methods[i]));
	line_text("own users and MTAs", "%lld",
	    (long long)metric_number(o, "messages_skipped_total", NULL));
	line_text("forged fields", "%lld",
	    (long long)metric_number(o, "forged_fields_total", NULL));
	line_counters(
	    "limits reached", json_object_get(o, "budget_hits_total"));
	line_histogram(
	    "wait for verdict", json_object_get(o, "finish_seconds"), " s");
	line_histogram(
	    "message duration", json_object_get(o, "message_seconds"), " s");
	line_histogram(
	    "DNS round trips", json_object_get(o, "round_trips"), "");
}

static void
print_dns(json_t *o)
{
	line_text("DNS questions",
	    "%lld, retried %lld, over TCP %lld, answers %lld",
	    (long long)metric_number(o, "dns_questions_total", NULL),
	    (long long)metric_number(o, "dns_repetitions_total", NULL),
	    (long long)metric_number(o, "dns_tcp_total", NULL),
	    (long long)metric_number(o, "dns_answers_total", NULL));
	line_counters("DNS failures", json_object_get(o, "dns_failures_total"));
	line_text("DNS load",
	    "unanswered now %lld, replies with a wrong id %lld, "
	    "ports closed because of them %lld",
	    (long long)metric_number(o, "dns_unanswered", NULL),
	    (long long)metric_number(o, "dns_wrong_ids_total", NULL),
	    (long long)metric_number(o, "dns_suspect_ports_total", NULL));
	line_text("DNS cache",
	    "hits %lld, misses %lld, joined %lld, entries %lld",
	    (long long)metric_number(o, "dns_cache_hits_total", NULL),
	    (long long)metric_number(o, "dns_cache_misses_total", NULL),
	    (long long)metric_number(o, "dns_cache_joined_total", NULL),
	    (long long)metric_number(o, "dns_cache_entries", NULL));
	if (json_object_get(o, "store_queued") == NULL)
		return;
	line_text("store", "saved %lld, waiting %lld, lost %lld, errors %lld",
	    (long long)metric_number(o, "store_committed_total", NULL),
	    (long long)metric_number(o, "store_queued", NULL),
	    (long long)metric_number(o, "store_lost_total", NULL),
	    (long long)metric_number(o, "store_faults_total", NULL));
}

static void
print_status(json_t *o, int64_t now)
{
	cli_line_text(
	    "version", json_string_value(metric_at(o, "version", NULL)));
	cli_line_text("mode", json_string_value(metric_at(o, "mode", NULL)));
	line_time("started", metric_number(o, "start_time_seconds", NULL), now);
	line_time("configuration",
	    metric_number(o, "config_load_time_seconds", NULL), now);
	print_resolvers(o);
	line_counters("reloads", json_object_get(o, "reloads_total"));
	if (metric_number(o, "overrides", NULL) > 0)
		line_text("overrides", "%lld, expired %lld",
		    (long long)metric_number(o, "overrides", NULL),
		    (long long)metric_number(o, "overrides_expired", NULL));
	line_text("connections", "%lld open, %lld in total, refused %lld",
	    (long long)metric_number(o, "connections", NULL),
	    (long long)metric_number(o, "connections_total", NULL),
	    (long long)metric_number(o, "connections_refused_total", NULL));
	print_messages(o);
	status_signing(o);
	print_dns(o);
}

/* ---- command ---- */

static int
status_show(const struct cli *c, const char *listen, struct span answer)
{
	struct span page = http_body(answer);
	json_t *o = page.p != NULL ? metrics_page_read(page) : NULL;

	if (o == NULL)
		return cli_fail(c, EX_TEMPFAIL,
		    "%s: the server at this address is not avouch-milter",
		    listen);
	if (c->json)
		return cli_print_json(o);
	print_status(o, c->now);
	json_decref(o);
	return EX_OK;
}

static int
status_run(const struct cli *c, const char *path, const char *listen)
{
	char *memory;
	struct buf answer;
	int code, status;

	if (listen == NULL)
		return cli_fail(c, EX_TEMPFAIL,
		    "metrics are off: set metrics { listen = ... } in %s and "
		    "restart avouch-milter",
		    path);
	memory = malloc(ANSWER_MAX);
	if (memory == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	answer = buf_wrap(memory, ANSWER_MAX);
	code = metrics_fetch(listen, &answer);
	if (code != 0)
		status = cli_fail(c, EX_TEMPFAIL,
		    "%s: %s; is avouch-milter running, and has it been "
		    "restarted since metrics.listen was set?",
		    listen, strerror(code));
	else
		status = status_show(c, listen, buf_view(&answer));
	free(memory);
	return status;
}

int
cmd_status(struct cli *c)
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	const struct conf *conf = cli_conf_read(path);
	int status;

	if (conf == NULL)
		return EX_CONFIG;
	status = status_run(c, path, conf->metrics.listen);
	conf_unref(conf);
	return status;
}
