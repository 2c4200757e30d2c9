/*
 * fields.c - prints what mail_from_read() finds in From fields.
 *
 * Each line of stdin is the base64 of a field's value; each line of stdout is
 * "valid", "sloppy" or "invalid" and the author domains; "+" marks a possible
 * author.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base64.h"
#include "mail/author.h"

enum { CAP = 8 << 20 };

static void
print_field(struct arena *a, struct span line)
{
	struct mail_header h = { 0 };
	struct mail_from from;
	struct span value;

	if (!base64_decode(a, line, &value) ||
	    !mail_header_add(&h, a, SPAN("From"), value)) {
		fputs("fields: a line that is not base64\n", stderr);
		exit(1);
	}
	mail_from_read(&h, a, &from);
	fputs(mail_from_state_name(from.state), stdout);
	for (size_t i = 0; i < from.n_domains; i++)
		printf(" %s%.*s",
		    i + from.n_possible < from.n_domains ? "" : "+",
		    SPAN_FMT(from.domains[i]));
	putchar('\n');
}

int
main(void)
{
	struct arena *a = arena_new(CAP);
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (a != NULL && (n = getline(&line, &room, stdin)) >= 0) {
		print_field(a, span_of(line, (size_t)n));
		arena_rewind(a);
	}
	free(line);
	arena_free(a);
	return 0;
}
