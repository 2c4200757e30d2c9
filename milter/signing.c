#include "milter/signing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "milter/key_watch.h"

/* The list of senders.  Keys can be replaced without replacing this list, so
 * successive sets of keys share it. */
struct counted_senders {
	atomic_uint refs;
	struct senders *senders;
};

struct counted_signing {
	struct signing shown; /* must be first; callers see only this */
	struct counted_senders *senders;
	atomic_uint refs;
};

static struct {
	pthread_mutex_t lock;
	struct counted_signing *now; /* NULL: nothing loaded yet */
} current = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
senders_unref(struct counted_senders *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	senders_free(s->senders);
	free(s);
}

const struct signing *
signing_ref(void)
{
	struct counted_signing *s;

	pthread_mutex_lock(&current.lock);
	s = current.now;
	if (s != NULL && s->shown.keys == NULL)
		s = NULL;
	if (s != NULL)
		atomic_fetch_add(&s->refs, 1);
	pthread_mutex_unlock(&current.lock);
	return s != NULL ? &s->shown : NULL;
}

static void
counted_unref(struct counted_signing *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	sign_keys_unref(s->shown.keys);
	senders_unref(s->senders);
	free(s);
}

void
signing_unref(const struct signing *s)
{
	union {
		const struct signing *in;
		struct counted_signing *out;
	} u = { .in = s };

	counted_unref(u.out);
}

static void
make_current(struct counted_signing *s)
{
	struct counted_signing *old;

	pthread_mutex_lock(&current.lock);
	old = current.now;
	current.now = s;
	pthread_mutex_unlock(&current.lock);
	counted_unref(old);
}

/* Takes over the references to its arguments, even on failure.  Returns NULL if
 * memory ran out. */
static struct counted_signing *
counted_new(struct sign_keys *keys, struct counted_senders *senders)
{
	struct counted_signing *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		sign_keys_unref(keys);
		senders_unref(senders);
		return NULL;
	}
	s->shown.keys = keys;
	s->shown.senders = senders != NULL ? senders->senders : NULL;
	s->senders = senders;
	atomic_init(&s->refs, 1);
	return s;
}

bool
signing_set_keys(struct sign_keys *keys)
{
	struct counted_senders *senders = NULL;
	struct counted_signing *s;

	pthread_mutex_lock(&current.lock);
	if (current.now != NULL)
		senders = current.now->senders;
	if (senders != NULL)
		atomic_fetch_add(&senders->refs, 1);
	pthread_mutex_unlock(&current.lock);
	s = counted_new(keys, senders);
	if (s == NULL)
		return false;
	make_current(s);
	return true;
}

void
signing_close(void)
{
	make_current(NULL);
}

/* ---- reading ---- */

static void
log_lines(enum log_level level, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, "\n");

		if (n > 0)
			log_say(level, "sign", "%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

struct sign_keys *
signing_read_keys(const char *folder, struct sign_keys *previous)
{
	struct sign_keys_faults faults = { 0 };
	struct sign_keys *keys = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	if (folder == NULL ||
	    (previous == NULL && access(folder, F_OK) != 0 && errno == ENOENT))
		return NULL;
	if (!private_key_protect_memory())
		log_limited("keys",
		    "cannot disable core dumps: %s; a core dump would contain "
		    "private keys",
		    strerror(errno));
	f = open_memstream(&text, &size);
	if (f != NULL) {
		keys = sign_keys_load(folder, previous, f, &faults);
		fclose(f);
	}
	log_lines(LOG_LEVEL_WARNING, text);
	free(text);
	if (keys == NULL && previous != NULL)
		log_say(LOG_LEVEL_WARNING, "sign",
		    "%s cannot be read; the keys that were read before stay in "
		    "use",
		    folder);
	return keys != NULL ? keys : sign_keys_ref(previous);
}

/* Returns false if the file cannot be read; the log says why. */
static bool
load_senders(const char *path, struct counted_senders **out)
{
	struct counted_senders *s = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	*out = NULL;
	if (path == NULL)
		return true;
	s = calloc(1, sizeof(*s));
	f = open_memstream(&text, &size);
	if (s != NULL && f != NULL)
		s->senders = senders_read(path, f);
	if (f != NULL)
		fclose(f);
	log_lines(LOG_LEVEL_ERROR, text);
	free(text);
	if (s == NULL || s->senders == NULL) {
		free(s);
		return false;
	}
	atomic_init(&s->refs, 1);
	*out = s;
	return true;
}

static void
warn_without_keys(const struct conf *conf, const struct sign_keys *keys)
{
	size_t n = 0;

	if (keys != NULL)
		(void)sign_keys_domains(keys, &n);
	if (conf->sign.socket != NULL && n == 0)
		log_say(LOG_LEVEL_WARNING, "sign",
		    "sign.socket is set, but %s has no keys: all mail leaves "
		    "unsigned; create a key with: avouch key new DOMAIN",
		    conf->sign.keys);
}

/*
 * Signs once with a key of each type while memory is available: OpenSSL
 * initializes itself when it first signs, and stays broken if that fails.
 */
static void
warm_up(const struct sign_keys *keys)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE] = { 1 };
	uint8_t out[CRYPTO_SIGNATURE_MAX];
	bool done[PRIVATE_KEY_ED25519 + 1] = { false };
	size_t n = 0, size;
	struct sign_domain *const *domains =
	    keys != NULL ? sign_keys_domains(keys, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			const struct private_key *key =
			    domains[i]->keys[k]->key;
			enum private_key_type type = private_key_type(key);

			if (!done[type])
				done[type] = crypto_sign(
				    private_key_crypto(key), hash, out, &size);
		}
}

bool
signing_load(const struct conf *conf)
{
	const struct signing *old = signing_ref();
	struct counted_senders *senders;
	struct counted_signing *s;
	struct sign_keys *keys;

	if (!load_senders(conf->sign.senders, &senders)) {
		signing_unref(old);
		return false;
	}
	key_watch_lock(); /* the watch thread changes the keys' states */
	keys =
	    signing_read_keys(conf->sign.keys, old != NULL ? old->keys : NULL);
	warn_without_keys(conf, keys);
	warm_up(keys);
	s = counted_new(keys, senders);
	if (s != NULL)
		make_current(s);
	key_watch_unlock();
	signing_unref(old);
	return s != NULL;
}
