#include "sign/pauses.h"

enum { WEEK_S = 7 * 86400 };

/* Starts a new week, which replaces the one four weeks earlier. */
static void
week_begin(struct pauses *p, int64_t week)
{
	int64_t passed = week - p->week;

	for (int64_t i = 1; i <= PAUSES_WEEKS && i <= passed; i++)
		p->longest[(p->week + i) % PAUSES_WEEKS] = 0;
	p->week = week;
}

void
pauses_resume(struct pauses *p, int64_t now)
{
	int64_t away = now - p->saved;

	if (p->last > 0 && p->saved >= p->last && away > 0)
		p->last += away;
	if (p->last > now)
		p->last = now;
	if (p->since > now)
		p->since = now;
	if (p->week > now / WEEK_S)
		p->week = now / WEEK_S;
}

int64_t
pauses_longest(const struct pauses *p, int64_t now)
{
	int64_t longest = 0;

	for (int i = 0; i < PAUSES_WEEKS; i++)
		if (longest < p->longest[i])
			longest = p->longest[i];
	return p->since > 0 && now - p->since >= PAUSES_KNOWN_S ? longest : 0;
}

static bool
is_too_long(const struct pauses *p, int64_t pause, int64_t now)
{
	int64_t longest = pauses_longest(p, now);

	return longest > 0 && pause > PAUSES_MIN_S &&
	    pause > PAUSES_FACTOR * longest;
}

bool
pauses_note(struct pauses *p, int64_t last, int64_t now)
{
	bool before = p->is_silent;
	int64_t pause;

	if (p->week < now / WEEK_S)
		week_begin(p, now / WEEK_S);
	if (last > p->last) {
		pause = p->last > 0 ? last - p->last : 0;
		if (!before && p->longest[p->week % PAUSES_WEEKS] < pause)
			p->longest[p->week % PAUSES_WEEKS] = pause;
		if (p->since == 0)
			p->since = last;
		p->last = last;
	}
	if (p->last > now)
		p->last = now; /* the clock was set back */
	p->is_silent = p->last > 0 && is_too_long(p, now - p->last, now);
	return p->is_silent != before;
}
