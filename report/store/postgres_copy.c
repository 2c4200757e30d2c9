/*
 * postgres_copy.c - writes rows in bulk: COPY FROM STDIN in the binary format
 * (PostgreSQL manual, "COPY", "Binary Format").
 */
#include <stdlib.h>
#include <string.h>

#include "report/store/postgres.h"
#include "report/store/postgres_internal.h"

enum {
	COPY_BUFFER = 1 << 16, /* bytes sent per call */
	NUMBER_BYTES = 8,
};

struct central_copy {
	struct postgres_connection *c;
	bool failed;
	size_t n;
	char bytes[COPY_BUFFER];
};

/*
 * In its non-blocking mode, libpq copies all data into its own memory, so this
 * waits until all of it has been sent.
 */
static bool
copy_flush(struct postgres_connection *c)
{
	int left;

	while ((left = PQflush(c->db)) == 1) {
		postgres_wait(c, true);
		if (!PQconsumeInput(c->db))
			return false;
	}
	return left == 0;
}

static void
copy_send(struct central_copy *k)
{
	PGconn *db = k->c->db;

	if (!k->failed && k->n > 0 &&
	    (PQputCopyData(db, k->bytes, (int)k->n) != 1 || !copy_flush(k->c)))
		k->failed = true;
	k->n = 0;
}

static void
copy_put(struct central_copy *k, const char *p, size_t n)
{
	while (n > 0 && !k->failed) {
		size_t room = sizeof(k->bytes) - k->n;
		size_t part = n < room ? n : room;

		memcpy(k->bytes + k->n, p, part);
		k->n += part;
		p += part;
		n -= part;
		if (k->n == sizeof(k->bytes))
			copy_send(k);
	}
}

/* Writes the `size` low-order bytes of a number, the highest byte first. */
static void
copy_put_integer(struct central_copy *k, int64_t value, size_t size)
{
	char bytes[NUMBER_BYTES];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)((uint64_t)value >> (size - 1 - i) * 8);
	copy_put(k, bytes, size);
}

void
central_copy_row(struct central_copy *k, size_t columns)
{
	copy_put_integer(k, (int64_t)columns, 2);
}

void
central_copy_number(struct central_copy *k, int64_t value)
{
	copy_put_integer(k, NUMBER_BYTES, 4);
	copy_put_integer(k, value, NUMBER_BYTES);
}

void
central_copy_text(struct central_copy *k, struct span value)
{
	char *clean =
	    postgres_is_clean(value) ? NULL : postgres_copy_clean(value);

	copy_put_integer(k, (int64_t)value.n, 4);
	if (clean != NULL)
		copy_put(k, clean, value.n);
	else if (value.n > 0)
		copy_put(k, value.p, value.n);
	free(clean);
}

/* Sends the rows for one COPY. */
static bool
copy_fill(
    struct central_copy *k, unsigned number, central_copy_fill *fill, void *arg)
{
	static const char signature[] = "PGCOPY\n\377\r\n";
	bool good;

	copy_put(k, signature, sizeof(signature)); /* with its NUL */
	copy_put_integer(k, 0, 4);                 /* flags */
	copy_put_integer(k, 0, 4);                 /* size of the extension */
	good = fill(arg, number, k);
	if (good)
		copy_put_integer(k, -1, 2);
	copy_send(k);
	if (PQputCopyEnd(k->c->db, good ? NULL : "stopped") != 1 ||
	    !copy_flush(k->c))
		k->failed = true;
	return good;
}

bool
central_copy(
    struct sql *db, const char *text, central_copy_fill *fill, void *arg)
{
	struct postgres_connection *c = postgres_connection_of(db);
	struct central_copy *k = calloc(1, sizeof(*k));
	unsigned number = 0;
	bool good = true, filled = true, stuck = false;
	PGresult *r;

	if (k == NULL)
		return sql_fail(db, SQL_AWAY, "out of memory");
	k->c = c;
	if (PQsetnonblocking(c->db, 1) != 0 || !PQsendQuery(c->db, text) ||
	    !copy_flush(c))
		good = postgres_failed(c, NULL);
	/* libpq returns the COPY result again if a COPY could not be ended. */
	while (!stuck && (r = postgres_next_result(c)) != NULL) {
		bool is_copy = PQresultStatus(r) == PGRES_COPY_IN;

		if (is_copy && good && filled && !k->failed)
			filled = copy_fill(k, number++, fill, arg);
		else if (is_copy)
			stuck = true;
		else if (good && PQresultStatus(r) != PGRES_COMMAND_OK)
			good = postgres_failed(c, r);
		PQclear(r);
	}
	if (good && k->failed)
		good = postgres_failed(c, NULL);
	PQsetnonblocking(c->db, 0);
	free(k);
	return good && filled;
}
