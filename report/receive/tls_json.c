#include "report/receive/tls_json.h"

#include <jansson.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "report/receive/reported_value.h"

struct tls_reader {
	struct arena *a;
	struct ledger_tls *out;
	struct ledger_tls_result *results;
	size_t n, room;
	int64_t sessions;
	const char *reason; /* NULL: not refused */
};

static bool
refuse_tls(struct tls_reader *r, const char *reason)
{
	if (r->reason == NULL)
		r->reason = reason;
	return false;
}

/* ---- limits ---- */

/* Returns why jansson must not parse this, or NULL if it may. */
static const char *
json_refusal(struct span json)
{
	size_t depth = 0, values = 0;
	bool quoted = false;

	if (json.n > TLS_JSON_BYTES_MAX)
		return "more than 16 MiB of JSON";
	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			continue;
		}
		quoted = c == '"';
		depth += c == '{' || c == '[';
		depth -= (c == '}' || c == ']') && depth > 0;
		values += c == '{' || c == '[' || c == ',' || c == ':';
		if (depth > TLS_JSON_DEPTH_MAX)
			return "JSON nested more than 16 levels deep";
		if (values > TLS_JSON_VALUES_MAX)
			return "JSON with more than 500000 values";
	}
	return NULL;
}

/* ---- values ---- */

/* Returns a string, or the first string of an array, which some reporters write
 * instead. */
static struct span
text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_array(value))
		value = json_array_get(value, 0);
	return json_is_string(value)
	    ? span_of(json_string_value(value), json_string_length(value))
	    : SPAN("");
}

static struct span
line_of(struct tls_reader *r, const json_t *object, const char *key)
{
	return reported_line(
	    r->a, span_first(text_of(object, key), TLS_JSON_TEXT_MAX));
}

static struct span
token_of(struct tls_reader *r, const json_t *object, const char *key)
{
	return reported_token(
	    r->a, span_first(text_of(object, key), TLS_JSON_TEXT_MAX));
}

/* Reads a number, which may be written as a string; a missing one counts as
 * 0. */
static bool
sessions_of(
    struct tls_reader *r, const json_t *object, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);
	bool good = true;

	*out = 0;
	if (json_is_integer(value)) {
		*out = json_integer_value(value);
	} else if (json_is_real(value)) {
		double real = json_real_value(value);

		good = real >= 0 && real <= (double)TLS_JSON_SESSIONS_MAX &&
		    real == (double)(int64_t)real;
		*out = good ? (int64_t)real : 0;
	} else if (json_is_string(value)) {
		good = reported_count(text_of(object, key), out);
	} else {
		good = value == NULL || json_is_null(value);
	}
	if (!good)
		return refuse_tls(r, "a session count is not a valid number");
	if (*out < 0 || *out > TLS_JSON_SESSIONS_MAX)
		return refuse_tls(r, "its session count is not plausible");
	return true;
}

/* ---- results ---- */

static bool
has_room_for_result(struct tls_reader *r)
{
	struct ledger_tls_result *more;
	size_t room = r->room == 0 ? 16 : 2 * r->room;

	if (r->n == TLS_JSON_RESULTS_MAX)
		return refuse_tls(r, "it has more than 10000 results");
	if (r->n < r->room)
		return true;
	more = arena_array(r->a, room, sizeof(*more));
	if (more == NULL)
		return false;
	for (size_t i = 0; i < r->n; i++)
		more[i] = r->results[i];
	r->results = more;
	r->room = room;
	return true;
}

static bool
add_result(struct tls_reader *r, const struct ledger_tls_result *result)
{
	if (!has_room_for_result(r))
		return false;
	r->sessions += (int64_t)result->sessions;
	if (r->sessions > TLS_JSON_SESSIONS_MAX)
		return refuse_tls(r, "its session count is not plausible");
	r->results[r->n++] = *result;
	return true;
}

/* Reads an element of "failure-details"; `policy` has the policy's domain and
 * type. */
static bool
take_failure(struct tls_reader *r, const json_t *failure,
    const struct ledger_tls_result *policy, int64_t *sessions)
{
	struct ledger_tls_result result = *policy;

	if (!sessions_of(r, failure, "failed-session-count", sessions))
		return false;
	result.sessions = (uint64_t)*sessions;
	result.result = token_of(r, failure, "result-type");
	if (result.result.n == 0 || span_is(result.result, "success"))
		result.result = SPAN("unspecified"); /* it is a failure */
	result.mx = token_of(r, failure, "receiving-mx-hostname");
	if (result.mx.n == 0)
		result.mx = token_of(r, failure, "receiving-ip");
	result.reason = line_of(r, failure, "failure-reason-code");
	return *sessions == 0 || add_result(r, &result);
}

/* Reads failure-details, which should be an array; some reporters write one
 * object or null instead. */
static bool
take_failures(struct tls_reader *r, const json_t *details,
    const struct ledger_tls_result *policy, int64_t *sum)
{
	size_t n = json_is_array(details) ? json_array_size(details)
	    : json_is_object(details)     ? 1
					  : 0;

	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t sessions;

		if (!take_failure(r,
			json_is_array(details) ? json_array_get(details, i)
					       : details,
			policy, &sessions))
			return false;
		*sum += sessions;
		if (*sum > TLS_JSON_SESSIONS_MAX)
			return refuse_tls(
			    r, "its session count is not plausible");
	}
	return true;
}

/* Reads an element of "policies".  Failures that no detail explains are added
 * as a separate result. */
static bool
take_tls_policy(struct tls_reader *r, const json_t *member)
{
	const json_t *policy = json_object_get(member, "policy");
	const json_t *summary = json_object_get(member, "summary");
	struct ledger_tls_result result = {
		.mx = SPAN(""), .reason = SPAN(""), .result = SPAN("success")
	};
	int64_t successes, failures, explained;

	result.domain = reported_domain(r->a, text_of(policy, "policy-domain"));
	result.policy = token_of(r, policy, "policy-type");
	if (result.domain.n == 0)
		return refuse_tls(r, "the domain of a policy is missing");
	if (!sessions_of(
		r, summary, "total-successful-session-count", &successes) ||
	    !sessions_of(r, summary, "total-failure-session-count", &failures))
		return false;
	result.sessions = (uint64_t)successes;
	if (!add_result(r, &result) ||
	    !take_failures(r, json_object_get(member, "failure-details"),
		&result, &explained))
		return false;
	result.result = SPAN("unspecified");
	result.sessions = (uint64_t)(failures - explained);
	return failures <= explained || add_result(r, &result);
}

/* ---- the report ---- */

static bool
take_range(struct tls_reader *r, const json_t *root)
{
	const json_t *range = json_object_get(root, "date-range");
	int64_t begin = 0, end = 0;

	if (!reported_time(text_of(range, "start-datetime"), &begin))
		return refuse_tls(r, "its date range is missing");
	if (!reported_time(text_of(range, "end-datetime"), &end))
		end = begin + DATE_DAY - 1;
	r->out->begin = begin < end ? begin : end;
	r->out->end = begin < end ? end : begin;
	return true;
}

static bool
take_tls_report(struct tls_reader *r, const json_t *root)
{
	const json_t *policies = json_object_get(root, "policies");
	size_t n = json_array_size(policies);

	if (!take_range(r, root))
		return false;
	r->out->organisation = line_of(r, root, "organization-name");
	r->out->contact = line_of(r, root, "contact-info");
	r->out->report_id = line_of(r, root, "report-id");
	if (r->out->organisation.n == 0)
		r->out->organisation =
		    r->out->contact.n > 0 ? r->out->contact : SPAN("unknown");
	if (n > TLS_JSON_POLICIES_MAX)
		return refuse_tls(r, "it has more than 1000 policies");
	for (size_t i = 0; i < n; i++)
		if (!take_tls_policy(r, json_array_get(policies, i)))
			return false;
	r->out->results = r->results;
	r->out->n = r->n;
	return true;
}

static enum tls_json_end
read_tree(struct tls_reader *r, const json_t *root)
{
	if (!json_is_array(json_object_get(root, "policies"))) {
		r->reason = "not a TLS report: it has no \"policies\"";
		return TLS_JSON_OTHER;
	}
	if (!take_tls_report(r, root) && !arena_has_failed(r->a))
		return TLS_JSON_REFUSED;
	return arena_has_failed(r->a) ? TLS_JSON_MEMORY : TLS_JSON_DONE;
}

enum tls_json_end
tls_json_read(struct span json, struct arena *a, struct ledger_tls *out,
    const char **reason)
{
	struct tls_reader r = { .a = a, .out = out };
	enum tls_json_end end;
	json_t *root;

	*out = (struct ledger_tls){ .n = 0 };
	json = span_trim(json);
	if (span_starts_nocase(json, "\xef\xbb\xbf"))
		json = span_skip(json, 3);
	*reason = json_refusal(json);
	if (*reason != NULL)
		return TLS_JSON_REFUSED;
	root = json_loadb(json.p, json.n, 0, NULL);
	if (root == NULL) {
		*reason = "not valid JSON, or it was cut off";
		return TLS_JSON_REFUSED;
	}
	end = read_tree(&r, root);
	*reason = r.reason;
	json_decref(root);
	return end;
}
