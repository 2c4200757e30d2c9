#include "lib/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"

enum {
	TAIL = 16,       /* bytes reserved for the quote, cut mark, brace and
	                    newline */
	UNIT_MAX = 8,    /* bytes of the longest escaped character, with the
	                    NUL */
	NUMBER_MAX = 24, /* bytes of a number, its sign and separators */
	FAULT_SECONDS = 60,
};

static const struct enum_token level_names[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

/* The settings, which are atomic so that readers need no lock. */
static _Atomic enum log_format format_now = LOG_FORMAT_TEXT;
static _Atomic enum log_target target_now = LOG_TARGET_STDERR;
static _Atomic enum log_level most_now = LOG_LEVEL_WARNING;

struct fault {
	const char *cause; /* NULL: the row is unused */
	time_t since;      /* monotonic time at which it was last logged */
	uint64_t held;     /* number of lines suppressed since then */
};

static struct {
	pthread_mutex_t lock;
	struct fault rows[LOG_CAUSES_MAX + 1]; /* the last row is for all other
	                                          causes */
} faults = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
log_setup(const char *program, enum log_format format, enum log_target target,
    enum log_level most)
{
	if (target == LOG_TARGET_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	atomic_store(&format_now, format);
	atomic_store(&target_now, target);
	atomic_store(&most_now, most);
}

static size_t
room_left(const struct log_line *l)
{
	return l->text.cap - TAIL - 1 > l->text.n
	    ? l->text.cap - TAIL - 1 - l->text.n
	    : 0;
}

static bool
is_plain(unsigned char c)
{
	return ascii_is_print(c) && c != '"' && c != '\\';
}

/* Reads the character at the start of `s` and writes its safe form. */
static void
put_unit(struct buf *unit, enum log_format format, struct scan *s)
{
	struct span rest = scan_rest(s);
	unsigned char c = (unsigned char)*s->p;
	size_t n = utf8_plain(rest);

	if (c == '"' || c == '\\')
		buf_byte(unit, '\\');
	if (n > 0)
		buf_span(unit, span_first(rest, n));
	else if (format != LOG_FORMAT_JSON)
		buf_printf(unit, "\\x%02x", c);
	else if (c < 0x80)
		buf_printf(unit, "\\u%04x", c);
	else
		buf_printf(unit, "\\\\x%02x", c);
	s->p += n > 0 ? n : 1;
}

/* Escapes and writes as many whole characters of `value` as fit. */
static void
put_escaped(struct log_line *l, struct span value)
{
	struct scan s = scan_of(value);

	while (!scan_done(&s) && !l->text.full) {
		char memory[UNIT_MAX];
		struct buf unit = buf_wrap(memory, sizeof(memory));
		struct span run = scan_while(&s, is_plain);
		struct span fits = span_first(run, room_left(l));

		buf_span(&l->text, fits);
		if (!scan_done(&s))
			put_unit(&unit, l->format, &s);
		if (fits.n < run.n || unit.n > room_left(l))
			l->text.full = true;
		else
			buf_span(&l->text, buf_view(&unit));
	}
}

static bool
is_bare(unsigned char c)
{
	return is_plain(c) && c != ' ' && c != '=';
}

/* Writes a key and its separators.  Returns false if it does not fit. */
static bool
put_key(struct log_line *l, const char *key, size_t at_least)
{
	bool json = l->format == LOG_FORMAT_JSON;

	if (l->text.p == NULL || l->text.full)
		return false;
	if (strlen(key) + 6 + at_least > room_left(l)) {
		l->text.full = true;
		return false;
	}
	if (l->text.n > 0)
		buf_byte(&l->text, json ? ',' : ' ');
	else if (json)
		buf_byte(&l->text, '{');
	buf_text(&l->text, json ? "\"" : "");
	buf_text(&l->text, key);
	buf_text(&l->text, json ? "\":" : "=");
	return true;
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	enum log_format format = atomic_load(&format_now);
	bool wanted = level <= atomic_load(&most_now);

	if (format == LOG_FORMAT_NONE) {
		wanted = level == LOG_LEVEL_ERROR;
		format = LOG_FORMAT_TEXT;
	}
	l->level = level;
	l->format = format;
	l->text = buf_wrap(l->memory, wanted ? sizeof(l->memory) : 0);
	log_text(l, "level",
	    enum_name(level_names, ARRAY_SIZE(level_names), (int)level));
	log_text(l, "event", event);
}

void
log_text(struct log_line *l, const char *key, const char *value)
{
	log_span(l, key, span_str(value));
}

void
log_span(struct log_line *l, const char *key, struct span value)
{
	bool quoted;

	if (!put_key(l, key, 2 * UNIT_MAX))
		return;
	quoted = l->format == LOG_FORMAT_JSON || value.n == 0 ||
	    !span_all(value, is_bare);
	if (quoted)
		buf_byte(&l->text, '"');
	put_escaped(l, value);
	if (quoted)
		buf_byte(&l->text, '"');
}

void
log_number(struct log_line *l, const char *key, int64_t value)
{
	if (!put_key(l, key, NUMBER_MAX))
		return;
	if (value < 0)
		buf_byte(&l->text, '-');
	buf_number(&l->text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Retries if a signal arrives before anything is written. */
static void
write_line(struct span line)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, line.p, line.n);
	while (n < 0 && errno == EINTR);
}

void
log_end(struct log_line *l)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};
	bool json = l->format == LOG_FORMAT_JSON;

	if (l->text.p == NULL)
		return;
	if (l->text.full)
		buf_text(&l->text, json ? ",\"cut\":1" : " cut=1");
	if (json)
		buf_byte(&l->text, '}');
	if (atomic_load(&target_now) == LOG_TARGET_SYSLOG) {
		syslog(priorities[l->level], "%s", l->text.p);
	} else {
		buf_byte(&l->text, '\n');
		write_line(buf_view(&l->text));
	}
	l->text = buf_wrap(l->memory, 0);
}

/* Adds the formatted text as the last field. */
static void __attribute__((format(printf, 2, 0)))
log_args(struct log_line *l, const char *format, va_list args)
{
	char text[LOG_LINE_MAX];

	if (l->text.p == NULL)
		return;
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	log_text(l, "text", text);
}

void
log_say(enum log_level level, const char *event, const char *format, ...)
{
	struct log_line l;
	va_list args;

	log_begin(&l, level, event);
	va_start(args, format);
	log_args(&l, format, args);
	va_end(args);
	log_end(&l);
}

/* Returns the row of `cause`.  The caller must hold the lock. */
static struct fault *
fault_row(const char *cause)
{
	for (size_t i = 0; i < LOG_CAUSES_MAX; i++) {
		struct fault *row = &faults.rows[i];

		if (row->cause == NULL || strcmp(row->cause, cause) == 0)
			return row;
	}
	return &faults.rows[LOG_CAUSES_MAX];
}

/* Whether `cause` may be logged now.  Sets `held` to the number of lines
 * suppressed since it was last logged. */
static bool
fault_is_due(const char *cause, uint64_t *held)
{
	struct timespec now = { .tv_sec = 0 };
	bool due;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&faults.lock);
	struct fault *row = fault_row(cause);

	due = row->cause == NULL || now.tv_sec - row->since >= FAULT_SECONDS;
	*held = row->held;
	if (due)
		*row = (struct fault){ .cause = cause, .since = now.tv_sec };
	else
		row->held++;
	pthread_mutex_unlock(&faults.lock);
	return due;
}

static void __attribute__((format(printf, 4, 0)))
log_once_a_minute(enum log_level level, const char *event, const char *cause,
    const char *format, va_list args)
{
	struct log_line l;
	uint64_t held;

	if (!fault_is_due(cause, &held))
		return;
	log_begin(&l, level, event);
	log_text(&l, "cause", cause);
	if (held > 0)
		log_number(&l, "held_back", (int64_t)held);
	log_args(&l, format, args);
	log_end(&l);
}

void
log_limited(const char *cause, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_once_a_minute(LOG_LEVEL_ERROR, "fault", cause, format, args);
	va_end(args);
}

void
log_warning(const char *cause, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_once_a_minute(LOG_LEVEL_WARNING, "warning", cause, format, args);
	va_end(args);
}
