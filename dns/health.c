/*
 * health.c - tracks which servers work and why others do not, and reports
 * problems.
 *
 * A server that is down is queried only if no other can answer, and is probed
 * now and then (query.c).  Each problem with a server is reported when it is
 * noticed, and then at most once a minute.  When all its problems have ended, a
 * final report says that it works again.
 */
#include "dns/resolver_internal.h"

#include "lib/clock.h"
#include "lib/enum_names.h"

enum {
	DOWN_AFTER = 3,   /* consecutive timeouts or REFUSED replies */
	FAILS_AFTER = 20, /* consecutive replies with other error codes; the
	                     queried names may be at fault, not the server */
	REPORT_MS =
	    60000,      /* minimum time between reports of the same problem */
	ALIVE_MS = 100, /* minimum time between questions for "localhost" */
};

/* ---- reports ---- */

static unsigned
count_others(const struct resolver *r, const struct dns_server *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_servers; i++)
		n += &r->servers[i] != s && !r->servers[i].down;
	return n;
}

static void
report_to_owner(struct resolver *r, struct dns_server *s,
    enum dns_trouble trouble, uint64_t failures, int64_t since)
{
	struct dns_resolver_event event = {
		.server = &s->address,
		.trouble = trouble,
		.failures = failures,
		.seconds = (uint64_t)(r->now - since) / 1000,
		.others = count_others(r, s),
	};

	if (r->on_event != NULL)
		r->on_event(&event);
}

static void
note_trouble(struct resolver *r, struct dns_server *s, enum dns_trouble trouble)
{
	struct server_trouble *t = &s->troubles[trouble];
	int64_t since = atomic_load(&t->since);

	t->unreported++;
	if (since == 0) {
		since = r->now;
		atomic_store(&t->since, since);
	}
	if (t->reported != 0 && r->now - t->reported < REPORT_MS)
		return;
	t->reported = r->now;
	s->is_reported = true;
	report_to_owner(r, s, trouble, t->unreported, since);
	t->unreported = 0;
}

/* Counts a failure, even if the server may not have caused it. */
static void
count_failure(struct dns_server *s, enum dns_trouble trouble)
{
	net_count(&s->troubles[trouble].failures, 1);
}

/* Returns a bit mask of the troubles that any answer over a socket of this kind
 * rules out. */
static unsigned
ruled_out_by(enum socket_kind kind)
{
	return kind == SOCKET_TCP ? 1U << DNS_TROUBLE_TCP
				  : 1U << DNS_TROUBLE_TIMEOUT |
		1U << DNS_TROUBLE_REFUSED | 1U << DNS_TROUBLE_UNREACHABLE;
}

/* Marks the troubles in the bit mask `which` as ended.  If none is left,
 * reports that the server works. */
static void
end_troubles(struct resolver *r, struct dns_server *s, unsigned which)
{
	int64_t first = r->now;
	bool had = false, has = false;

	for (unsigned i = DNS_TROUBLE_NONE + 1; i < DNS_TROUBLES; i++) {
		struct server_trouble *t = &s->troubles[i];
		int64_t since = atomic_load(&t->since);

		if (since == 0)
			continue;
		if ((which & 1U << i) == 0) {
			has = true;
			continue;
		}
		had = true;
		if (since < first)
			first = since;
		atomic_store(&t->since, 0);
	}
	if (!had || has || !s->is_reported)
		return;
	s->is_reported = false;
	report_to_owner(r, s, DNS_TROUBLE_NONE, 0, first);
}

/* ---- events ---- */

static void
set_down(struct resolver *r, struct dns_server *s)
{
	if (s->down)
		return;
	s->down = true;
	s->backoff = r->step_ms[0];
	s->probe_at = r->now + s->backoff;
}

void
dns_health_timed_out(
    struct resolver *r, struct dns_server *s, const struct attempt *t)
{
	count_failure(s, DNS_TROUBLE_TIMEOUT);
	/* the server has answered other questions since then, so the name is
	 * slow */
	if (s->heard >= t->sent && s->heard > 0)
		return;
	if (++s->timeouts < DOWN_AFTER)
		return;
	s->silent = true;
	r->alive.is_wanted = true;
	set_down(r, s);
	note_trouble(r, s, DNS_TROUBLE_TIMEOUT);
}

void
dns_health_unreachable(struct resolver *r, struct dns_server *s)
{
	enum dns_trouble why =
	    s->refuses ? DNS_TROUBLE_REFUSED : DNS_TROUBLE_UNREACHABLE;

	count_failure(s, why);
	s->silent = true;
	s->timeouts = DOWN_AFTER;
	set_down(r, s);
	note_trouble(r, s, why);
}

void
dns_health_no_tcp(struct resolver *r, struct dns_server *s)
{
	count_failure(s, DNS_TROUBLE_TCP);
	if (!s->down) /* otherwise it was already reported as down */
		note_trouble(r, s, DNS_TROUBLE_TCP);
}

/* Records that `s` has replied.  The caller decides whether the reply is
 * usable. */
static void
note_alive(struct resolver *r, struct dns_server *s)
{
	s->heard = r->now;
	s->silent = false;
	s->timeouts = 0;
	s->down = false;
}

void
dns_health_usable(
    struct resolver *r, struct dns_server *s, enum socket_kind kind)
{
	note_alive(r, s);
	s->errors = 0;
	end_troubles(r, s,
	    ruled_out_by(kind) | 1U << DNS_TROUBLE_RCODE_REFUSED |
		1U << DNS_TROUBLE_ERRORS);
}

void
dns_health_failed(struct resolver *r, struct dns_server *s,
    enum socket_kind kind, enum dns_error why)
{
	s->heard = r->now;
	s->silent = false;
	end_troubles(r, s, ruled_out_by(kind));
	if (why == DNS_ERROR_REFUSED) {
		count_failure(s, DNS_TROUBLE_RCODE_REFUSED);
		if (++s->timeouts < DOWN_AFTER)
			return;
		set_down(r, s);
		note_trouble(r, s, DNS_TROUBLE_RCODE_REFUSED);
		return;
	}
	count_failure(s, DNS_TROUBLE_ERRORS);
	note_alive(r, s);
	if (++s->errors >= FAILS_AFTER)
		note_trouble(r, s, DNS_TROUBLE_ERRORS);
}

/* ---- whether the servers or the names cause the silence ---- */

bool
dns_health_all_silent(const struct resolver *r)
{
	for (size_t i = 0; i < r->n_servers; i++)
		if (!r->servers[i].silent)
			return false;
	return true;
}

static void
alive_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct alive_check *check = (struct alive_check *)wait;

	(void)answer; /* the server was marked as alive when the answer
	                 arrived */
	check->is_asked = false;
}

void
dns_health_check_alive(struct resolver *r)
{
	struct alive_check *check = &r->alive;

	if (!check->is_wanted || check->is_asked || r->now < check->again_at ||
	    r->all.first == NULL || !dns_health_all_silent(r) ||
	    dns_source_is_crowded(&r->source))
		return;
	check->is_wanted = false;
	check->is_asked = true;
	check->again_at = r->now + ALIVE_MS;
	check->wait = (struct dns_wait){ .done = alive_answered };
	r->source.ask(&r->source, SPAN("localhost"), DNS_A, &check->wait);
}

/* ---- public functions ---- */

size_t
dns_resolver_health(struct dns_source *source, struct dns_server_health *out)
{
	struct resolver *r = (struct resolver *)source;
	int64_t now = clock_ms();

	for (size_t i = 0; i < r->n_servers; i++) {
		out[i] = (struct dns_server_health){
			.address = r->servers[i].address,
		};
		for (int k = DNS_TROUBLE_NONE + 1; k < DNS_TROUBLES; k++) {
			struct server_trouble *t = &r->servers[i].troubles[k];
			int64_t since = atomic_load(&t->since);

			out[i].failures[k] = atomic_load(&t->failures);
			if (since != 0) /* round up */
				out[i].seconds[k] = now > since
				    ? (uint64_t)(now - since) / 1000 + 1
				    : 1;
		}
	}
	return r->n_servers;
}

static const struct enum_token troubles[] = {
	{ "none", DNS_TROUBLE_NONE },
	{ "timeout", DNS_TROUBLE_TIMEOUT },
	{ "refused", DNS_TROUBLE_REFUSED },
	{ "unreachable", DNS_TROUBLE_UNREACHABLE },
	{ "rcode_refused", DNS_TROUBLE_RCODE_REFUSED },
	{ "errors", DNS_TROUBLE_ERRORS },
	{ "tcp", DNS_TROUBLE_TCP },
};

const char *
dns_trouble_name(enum dns_trouble trouble)
{
	return enum_name(troubles, ARRAY_SIZE(troubles), (int)trouble);
}

enum dns_trouble
dns_trouble_from_name(struct span name)
{
	int value;

	return enum_value(troubles, ARRAY_SIZE(troubles), name, &value)
	    ? (enum dns_trouble)value
	    : DNS_TROUBLE_NONE;
}

const char *
dns_trouble_text(enum dns_trouble trouble)
{
	switch (trouble) {
	case DNS_TROUBLE_NONE:
		return "answers again";
	case DNS_TROUBLE_TIMEOUT:
		return "does not answer";
	case DNS_TROUBLE_REFUSED:
		return "refuses the connection: no name server listens there";
	case DNS_TROUBLE_UNREACHABLE:
		return "cannot be reached: this host has no route to it, or a "
		       "firewall on this host blocks it";
	case DNS_TROUBLE_RCODE_REFUSED:
		return "refuses our queries: it must allow recursion for "
		       "this host";
	case DNS_TROUBLE_ERRORS:
		return "answers only with errors, mostly SERVFAIL: it may be "
		       "unable to reach the Internet, or someone is sending "
		       "mail from broken domains";
	case DNS_TROUBLE_TCP:
		return "cannot be reached over TCP, which is needed for long "
		       "answers";
	}
	return "";
}
