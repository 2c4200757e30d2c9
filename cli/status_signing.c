#include "cli/status_signing.h"

#include <string.h>

#include "cli/cli.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/enum_names.h"

enum {
	SHOWN_MAX = 3, /* reasons shown, the most frequent first */
	LINE_MAX_BYTES = 1500,
};

/* Text for each reason of sign_unsigned_total, and for messages that failed;
 * the domain is appended. */
static const struct {
	const char *reason, *with_domain, *without;
} texts[] = {
	{ "no_key", "no key for ", "no key" },
	{ "key_unpublished", "key not published for ", "key not published" },
	{ "not_own", "forwarded mail from ", "forwarded mail" },
	{ "author_mismatch", "login not allowed to send as ",
	    "login not allowed to send as the author" },
	{ "several_authors", NULL, "several authors" },
	{ "no_author", NULL, "no valid author" },
	{ "header_too_large", NULL, "header too large" },
	{ "failed", NULL, "signing failed" },
};

struct unsigned_count {
	const char *reason, *domain; /* NULL `domain`: all domains that are not
	                                counted separately */
	json_int_t n;
};

static json_int_t
number_at(json_t *o, const char *name, const char *word)
{
	return json_integer_value(
	    json_object_get(json_object_get(o, name), word));
}

/* Adds `one` to `kept`, which holds the largest counts, largest first. */
static void
keep_largest(struct unsigned_count *kept, struct unsigned_count one)
{
	for (size_t i = 0; i < SHOWN_MAX; i++) {
		struct unsigned_count other = kept[i];

		if (one.n <= other.n)
			continue;
		kept[i] = one;
		one = other;
	}
}

/* Finds the largest counts.  Each reason has a count for each domain that
 * is counted separately, and one for all others. */
static void
find_largest(json_t *o, struct unsigned_count *kept)
{
	json_t *by_domain = json_object_get(o, "sign_unsigned_domains_total");

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *reason = texts[i].reason, *domain;
		json_int_t left = number_at(o, "sign_unsigned_total", reason);
		json_t *domains = json_object_get(by_domain, reason), *n;

		json_object_foreach(domains, domain, n)
		{
			left -= json_integer_value(n);
			keep_largest(kept,
			    (struct unsigned_count){
				reason, domain, json_integer_value(n) });
		}
		keep_largest(
		    kept, (struct unsigned_count){ reason, NULL, left });
	}
	keep_largest(kept,
	    (struct unsigned_count){ "failed", NULL,
		number_at(o, "sign_messages_total", "failed") });
}

static void
put_count(struct buf *b, const struct unsigned_count *one, bool with_number)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		bool names =
		    one->domain != NULL && texts[i].with_domain != NULL;

		if (strcmp(texts[i].reason, one->reason) != 0)
			continue;
		buf_text(b, names ? texts[i].with_domain : texts[i].without);
		if (names)
			buf_text(b, one->domain);
	}
	if (with_number)
		buf_printf(b, " (%lld)", (long long)one->n);
}

static void
put_reasons(struct buf *b, json_t *o, json_int_t missing)
{
	struct unsigned_count kept[SHOWN_MAX] = { { NULL, NULL, 0 } };

	find_largest(o, kept);
	for (size_t i = 0; i < SHOWN_MAX && kept[i].n > 0; i++) {
		buf_text(b, i > 0 ? ", " : ": ");
		put_count(b, &kept[i], kept[0].n < missing);
	}
}

static void
line_signed(json_t *o, json_int_t good, json_int_t missing)
{
	char memory[LINE_MAX_BYTES];
	struct buf b = buf_wrap(memory, sizeof(memory));
	json_int_t all = good + missing;
	/* rounded down, so it is 100 % only if none is missing */
	json_int_t per_mille = good * 1000 / all;

	buf_printf(&b, "signed %lld.%lld %% of our own mail",
	    (long long)(per_mille / 10), (long long)(per_mille % 10));
	if (missing > 0) {
		buf_printf(&b, "; %lld not", (long long)missing);
		put_reasons(&b, o, missing);
	}
	cli_line("signatures", buf_view(&b));
}

static void
line_findings(json_t *o)
{
	json_t *causes = json_object_get(o, "sign_findings_total");
	const char *cause, *domain;
	json_t *domains, *n;
	char memory[LINE_MAX_BYTES];
	struct buf b = buf_wrap(memory, sizeof(memory));

	json_object_foreach(causes, cause, domains)
	{
		json_object_foreach(domains, domain, n)
		{
			if (json_integer_value(n) == 0)
				continue;
			buf_printf(&b, "%s%s %s (%lld)", b.n > 0 ? ", " : "",
			    cause, domain, (long long)json_integer_value(n));
		}
	}
	if (b.n > 0)
		cli_line("own mail guard", buf_view(&b));
}

/* Warns if none of our own mail has arrived for too long; see
 * sign/pauses.h. */
static void
line_silence(json_t *o)
{
	char memory[LINE_MAX_BYTES];
	struct buf b = buf_wrap(memory, sizeof(memory));
	int64_t last = json_integer_value(
	    json_object_get(o, "sign_last_message_timestamp_seconds"));
	int64_t longest = json_integer_value(
	    json_object_get(o, "sign_longest_pause_seconds"));

	if (json_integer_value(json_object_get(o, "sign_silent")) != 1)
		return;
	buf_text(&b, "none has arrived since ");
	date_put_time(&b, last);
	buf_printf(&b,
	    "; the longest pause in four weeks was %lld minutes; run `avouch "
	    "sign test`",
	    (long long)longest / 60);
	cli_line("own mail", buf_view(&b));
}

void
status_signing(json_t *o)
{
	static const char results[] = "sign_messages_total";
	json_int_t good =
	    number_at(o, results, "signed") + number_at(o, results, "kept");
	json_int_t missing = number_at(o, results, "unsigned") +
	    number_at(o, results, "refused") + number_at(o, results, "failed");

	line_silence(o);
	if (good + missing == 0)
		return;
	line_signed(o, good, missing);
	line_findings(o);
}
