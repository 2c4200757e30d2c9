#include "dkim/body_hash.h"

#include <string.h>

#include "dkim/canon.h"
#include "dkim/crypto.h"

/* A requested hash of the first `limit` bytes of one canonical body. */
struct hash_request {
	enum canon canon;
	uint64_t limit;
	bool reached; /* `hash` is set: `limit` or the end was reached */
	bool is_short;
	bool good; /* OpenSSL did not fail */
	uint8_t hash[BODY_HASH_SIZE];
};

/*
 * One canonicalization, with one running hash for all requests: the hash of a
 * prefix is a snapshot of the running hash.
 */
struct body_stream {
	struct body_hashes *of;
	enum canon canon;
	struct crypto_hash *hash;
	uint64_t length; /* canonical bytes so far */
	uint64_t next;   /* next limit to reach; BODY_WHOLE: none */
	bool open;       /* a request is not complete yet */
	struct canon_body body;
};

enum { STREAMS = CANON_RELAXED + 1 };

struct body_hashes {
	struct arena *a;
	struct body_stream *streams[STREAMS]; /* NULL: not requested, or no
	                                         memory */
	struct hash_request requests[BODY_HASHES_MAX];
	int n;
};

/* ---- one stream ---- */

static void
request_complete(struct hash_request *w, struct body_stream *s)
{
	w->reached = true;
	w->good = crypto_hash_snapshot(s->hash, w->hash);
}

/* Completes the requests that end here, and finds where the next one ends. */
static void
stream_mark(struct body_stream *s)
{
	struct body_hashes *b = s->of;

	s->next = BODY_WHOLE;
	s->open = false;
	for (int i = 0; i < b->n; i++) {
		struct hash_request *w = &b->requests[i];

		if (w->canon != s->canon || w->reached)
			continue;
		if (w->limit == s->length) {
			request_complete(w, s);
			continue;
		}
		s->open = true;
		if (w->limit < s->next)
			s->next = w->limit;
	}
}

static void
stream_put(void *to, struct span bytes)
{
	struct body_stream *s = to;

	while (bytes.n > 0) {
		struct span part = bytes;

		if (s->next - s->length < part.n)
			part = span_first(part, (size_t)(s->next - s->length));
		if (s->open)
			crypto_hash_add(s->hash, part);
		s->length += part.n;
		bytes = span_skip(bytes, part.n);
		if (s->length == s->next)
			stream_mark(s);
	}
}

static void
stream_end(struct body_stream *s)
{
	struct body_hashes *b = s->of;

	canon_body_end(&s->body);
	for (int i = 0; i < b->n; i++) {
		struct hash_request *w = &b->requests[i];

		if (w->canon != s->canon || w->reached)
			continue;
		w->is_short = w->limit != BODY_WHOLE && w->limit > s->length;
		request_complete(w, s);
	}
	s->open = false;
}

static struct body_stream *
stream_new(struct body_hashes *b, enum canon canon)
{
	struct body_stream *s = arena_alloc(b->a, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->hash = crypto_hash_new();
	if (s->hash == NULL)
		return NULL;
	s->of = b;
	s->canon = canon;
	canon_body_begin(&s->body, canon, (struct canon_sink){ stream_put, s });
	return s;
}

/* ---- all hashes of a message ---- */

struct body_hashes *
body_hashes_new(struct arena *a)
{
	struct body_hashes *b = arena_alloc(a, sizeof(*b));

	if (b != NULL)
		b->a = a;
	return b;
}

void
body_hashes_free(struct body_hashes *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < STREAMS; i++)
		if (b->streams[i] != NULL)
			crypto_hash_free(b->streams[i]->hash);
	memset(b->streams, 0, sizeof(b->streams));
}

int
body_hashes_request(struct body_hashes *b, enum canon canon, uint64_t limit)
{
	for (int i = 0; i < b->n; i++)
		if (b->requests[i].canon == canon &&
		    b->requests[i].limit == limit)
			return i;
	if (b->n == BODY_HASHES_MAX)
		return -1;
	/* if this fails, the request has no result */
	if (b->streams[canon] == NULL)
		b->streams[canon] = stream_new(b, canon);
	b->requests[b->n] =
	    (struct hash_request){ .canon = canon, .limit = limit };
	b->n++;
	if (b->streams[canon] != NULL)
		stream_mark(b->streams[canon]);
	return b->n - 1;
}

bool
body_hashes_needed(const struct body_hashes *b)
{
	return b->n > 0;
}

void
body_hashes_add(struct body_hashes *b, struct span chunk)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (b->streams[i] != NULL)
			canon_body_add(&b->streams[i]->body, chunk);
}

void
body_hashes_end(struct body_hashes *b)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (b->streams[i] != NULL)
			stream_end(b->streams[i]);
}

static const struct hash_request *
find_request(const struct body_hashes *b, int handle)
{
	return handle >= 0 && handle < b->n ? &b->requests[handle] : NULL;
}

const uint8_t *
body_hashes_get(const struct body_hashes *b, int handle)
{
	const struct hash_request *w = find_request(b, handle);

	return w != NULL && w->reached && w->good ? w->hash : NULL;
}

uint64_t
body_hashes_length(const struct body_hashes *b, int handle)
{
	const struct hash_request *w = find_request(b, handle);
	const struct body_stream *s = w != NULL ? b->streams[w->canon] : NULL;

	return s != NULL ? s->length : 0;
}

bool
body_hashes_is_short(const struct body_hashes *b, int handle)
{
	const struct hash_request *w = find_request(b, handle);

	return w != NULL && w->is_short;
}
