#include "dns/resolver_internal.h"

bool
dns_server_can_answer(const struct dns_query *q, const struct dns_server *s)
{
	return (q->refused & 1U << s->number) == 0;
}

/* Whether `s` should be asked before `than`: prefers servers that are up, then
 * those asked less often, then (if down) the one that answered most recently.
 * Otherwise the order of the list decides. */
static bool
is_better(const struct dns_query *q, const struct dns_server *s,
    const struct dns_server *than)
{
	if (than == NULL)
		return true;
	if (s->down != than->down)
		return than->down;
	if (q->asked[s->number] != q->asked[than->number])
		return q->asked[s->number] < q->asked[than->number];
	return s->down && s->heard > than->heard;
}

struct dns_server *
dns_server_best(struct resolver *r, const struct dns_query *q)
{
	struct dns_server *best = NULL;

	for (size_t i = 0; i < r->n_servers; i++) {
		struct dns_server *s = &r->servers[i];

		if (dns_server_can_answer(q, s) && is_better(q, s, best))
			best = s;
	}
	return best;
}

struct dns_server *
dns_server_fresh(struct resolver *r, const struct dns_query *q)
{
	struct dns_server *s = dns_server_best(r, q);

	return s != NULL && !s->down && q->asked[s->number] == 0 ? s : NULL;
}

bool
dns_server_all_down(const struct resolver *r)
{
	for (size_t i = 0; i < r->n_servers; i++)
		if (!r->servers[i].down ||
		    r->servers[i].heard > r->now - SHORT_MS)
			return false;
	return true;
}
