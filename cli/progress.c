#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "verify/dns_task.h"

enum {
	BAR_COLUMNS = 40,
	FIRST_MS = 500, /* no bar for shorter tasks */
	EACH_MS = 100,
};

void
progress_begin(struct progress *p, uint64_t total)
{
	*p = (struct progress){
		.wanted = isatty(STDERR_FILENO) == 1,
		.begin = clock_ms(),
		.total = total,
	};
}

static void
progress_draw(uint64_t done, uint64_t total, uint64_t count, const char *what)
{
	unsigned part;

	if (done > total)
		done = total;
	part = total == 0 ? 0 : (unsigned)((double)done * 100 / (double)total);
	fputs("\r[", stderr);
	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		fputc(i * 100 < part * BAR_COLUMNS ? '#' : ' ', stderr);
	fprintf(stderr, "] %3u %%  %" PRIu64 " %s ", part, count, what);
}

void
progress_show(
    struct progress *p, uint64_t done, uint64_t count, const char *what)
{
	int64_t now;

	if (!p->wanted)
		return;
	now = clock_ms();
	if (now - p->begin < FIRST_MS || now - p->drawn < EACH_MS)
		return;
	p->drawn = now;
	p->shown = true;
	progress_draw(done, p->total, count, what);
}

void
progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
