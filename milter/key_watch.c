#include "milter/key_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dns/resolver.h"
#include "dns/zone.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "milter/service.h"
#include "milter/sign_sink.h"
#include "milter/signing.h"
#include "sign/key_folder.h"
#include "sign/key_look.h"
#include "sign/key_state.h"
#include "verify/core_options.h"

enum {
	NICE = 15,
	FOLDER_S = 60,    /* interval between checks for modified files; the
	                     folder's own time, which shows new domains and what
	                     `avouch key` did, is checked every second */
	USED_S = 3600,    /* interval between writes of the times when keys last
	                     signed */
	ALIVE_S = 86400,  /* interval between writes if nothing was signed; they
	                     show that this host still exists */
	REMIND_S = 86400, /* interval between log lines about a key that waits
	                     for its record */
	STOP_S = 5,
	TURN_MS = 1000,
	WATCH_ERROR_MAX = 2048,
	LOOK_TEXT_MAX = 1024,
};

static struct {
	pthread_mutex_t lock; /* protects the states of the keys, and `conf` */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stop;
	const struct conf *next_conf; /* set by a reload; NULL: none */
	const struct conf *conf;      /* in use; replaced only by the thread */
	char state_path[KEY_PATH_MAX];
	char process[16];

	/* Used only by the thread. */
	uint64_t folder_mark; /* identifies the files that were read */
	uint64_t folder_time; /* identifies the folder's modification time */
	int64_t folder_next, used_saved;
	size_t round_start; /* index of the domain at which to go on */
	bool is_dirty, cannot_write;
	bool has_pauses; /* this process handles our own mail */
	struct pauses pauses;
	struct dns_source *dns; /* open while keys are checked */

	_Atomic uint64_t looks, unknown;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
key_watch_lock(void)
{
	pthread_mutex_lock(&watch.lock);
}

void
key_watch_unlock(void)
{
	pthread_mutex_unlock(&watch.lock);
}

/* ---- the state file ---- */

static bool
has_folder(const struct conf *conf)
{
	struct stat st;

	return conf->sign.keys != NULL && stat(conf->sign.keys, &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

void
key_watch_prepare(const struct conf *conf)
{
	char text[WATCH_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));

	if (has_folder(conf) && geteuid() == 0)
		(void)key_folder_create(conf->sign.keys, conf->user, &error);
}

static bool
state_folder(const struct conf *conf, char out[KEY_PATH_MAX])
{
	struct buf b = buf_wrap(out, KEY_PATH_MAX);

	buf_printf(&b, "%s/" KEY_STATE_FOLDER, conf->sign.keys);
	return !b.full;
}

void
key_watch_make_state(const struct conf *conf)
{
	char folder[KEY_PATH_MAX];

	if (!has_folder(conf))
		return;
	if (state_folder(conf, folder) && mkdir(folder, KEY_FOLDER_MODE) == 0)
		(void)chmod(folder, KEY_FOLDER_MODE);
}

static void
set_state_path(const struct conf *conf)
{
	char folder[KEY_PATH_MAX], host[256] = "localhost";
	struct buf b = buf_wrap(watch.state_path, sizeof(watch.state_path));

	(void)gethostname(host, sizeof(host) - 1);
	for (char *p = host; *p != '\0'; p++)
		if (*p == '/' || *p < '!' || *p > '~' || host[0] == '.')
			*p = '_';
	if (state_folder(conf, folder))
		buf_printf(&b, "%s/%s%s", folder, host, watch.process);
	if (b.full)
		watch.state_path[0] = '\0';
}

/* Reads the state of an earlier run.  Call with the lock held. */
static void
state_load(struct sign_keys *keys)
{
	char text[WATCH_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	struct sign_domain *const *domains;
	int64_t now = clock_now().now;
	size_t n;

	if (watch.state_path[0] != '\0' &&
	    !key_state_load(watch.state_path, keys, now, &watch.pauses, &error))
		log_say(LOG_LEVEL_WARNING, "sign", "%s", text);
	pauses_resume(&watch.pauses, now);
	domains = sign_keys_domains(keys, &n);
	for (size_t i = 0; i < n; i++)
		(void)sign_keys_decide(domains[i]);
}

/* Copies the times of the last signatures to the keys' states.  Returns true if
 * the state file should be written.  Call with the lock held. */
static bool
collect_used(const struct sign_keys *keys, int64_t now)
{
	size_t n;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);
	bool newer = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			struct sign_key *key = domains[i]->keys[k];
			int64_t used = atomic_load(&key->used);

			/* the clock was set back */
			if (used > now && now >= CLOCK_PLAUSIBLE) {
				used = now;
				atomic_store(&key->used, used);
			}
			rotation_repair(&key->state, now);
			newer |= used > key->state.used;
			if (key->state.used < used)
				key->state.used = used;
		}
	if (watch.used_saved <= now &&
	    now - watch.used_saved < (newer ? USED_S : ALIVE_S))
		return false;
	watch.used_saved = now;
	return true;
}

/* Writes the state file.  If that fails, the state is lost on restart, and
 * the keys are then treated as new.  Call with the lock held. */
static void
state_save(const struct sign_keys *keys)
{
	char text[WATCH_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	bool ok;

	watch.pauses.saved = clock_now().now;
	ok = watch.state_path[0] != '\0' &&
	    key_state_write(watch.state_path, keys, &watch.pauses, &error);
	if (!ok && !watch.cannot_write)
		log_say(LOG_LEVEL_ERROR, "sign",
		    "%s; after a restart, keys would not sign until they have "
		    "been seen in DNS again; make %s/" KEY_STATE_FOLDER
		    " writable by the user of the daemon",
		    error.n > 0 ? text
				: "the path of the state file is too long",
		    watch.conf->sign.keys);
	watch.cannot_write = !ok;
	if (ok)
		watch.is_dirty = false;
}

/* ---- the folder ---- */

static uint64_t
mark_add(uint64_t mark, const struct stat *st)
{
	mark = mark * 1000003 + (uint64_t)st->st_ino;
	/* also changes with the mode and the owner */
	mark = mark * 1000003 + (uint64_t)st->st_ctim.tv_sec;
	return mark * 1000003 + (uint64_t)st->st_ctim.tv_nsec;
}

static uint64_t
folder_time(const char *folder)
{
	struct stat st;

	return stat(folder, &st) == 0 ? mark_add(1, &st) : 0;
}

/* Returns a number that changes when a file in the directory is added, changed,
 * replaced or removed.  `depth` is the number of levels below it to read. */
static uint64_t
folder_mark_at(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *one;
	uint64_t mark = 0; /* a sum, because the order varies */
	struct stat st;

	while (directory != NULL && (one = readdir(directory)) != NULL)
		if (one->d_name[0] != '.' &&
		    fstatat(fd, one->d_name, &st, 0) == 0)
			mark += mark_add(1, &st) +
			    (depth > 0 && S_ISDIR(st.st_mode)
				    ? folder_mark_at(fd, one->d_name, depth - 1)
				    : 0);
	if (directory != NULL)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	return mark;
}

static uint64_t
folder_mark(const char *folder)
{
	return folder_mark_at(AT_FDCWD, folder, 1);
}

/* Reads the folder again if its files have changed. */
static void
check_folder(int64_t now)
{
	const struct signing *old = signing_ref();
	const char *folder = watch.conf->sign.keys;
	struct sign_keys *keys;
	size_t n = 0;
	/* get the time first, so that a change between the two calls is noticed
	 * at the next check */
	uint64_t time = folder_time(folder), mark = folder_mark(folder);
	bool changed, is_new;

	watch.folder_next = now + FOLDER_S;
	changed = mark != watch.folder_mark || time != watch.folder_time;
	watch.folder_time = time;
	if (changed) {
		pthread_mutex_lock(&watch.lock);
		keys =
		    signing_read_keys(folder, old != NULL ? old->keys : NULL);
		if (keys != NULL && (old == NULL || old->keys == NULL))
			state_load(keys);
		if (keys != NULL)
			(void)sign_keys_domains(keys, &n);
		is_new = keys != NULL && (old == NULL || keys != old->keys);
		if (keys != NULL && !signing_set_keys(keys))
			is_new = false;
		/* a failure is tried again, unless there is no folder */
		if (is_new || mark == 0)
			watch.folder_mark = mark;
		watch.is_dirty = true;
		pthread_mutex_unlock(&watch.lock);
		if (is_new)
			log_say(LOG_LEVEL_INFO, "sign",
			    "read the signing keys of %zu domains", n);
	}
	signing_unref(old);
}

/* ---- checks of keys ---- */

static bool
looker_open(struct key_looker *looker)
{
	const struct conf *conf = watch.conf;
	struct dns_resolver_options o = core_options_resolver(conf);
	char text[WATCH_ERROR_MAX] = "";

	if (watch.dns == NULL && conf->zone != NULL)
		watch.dns = dns_zone_open(conf->zone, text, sizeof(text));
	else if (watch.dns == NULL)
		watch.dns = dns_resolver_open(&o, text, sizeof(text));
	if (watch.dns == NULL)
		log_limited("key_watch", "cannot check signing keys: %s", text);
	*looker = (struct key_looker){ .dns = watch.dns,
		.open = conf->zone != NULL ? NULL : key_look_open_net };
	return watch.dns != NULL;
}

static void
looker_close(void)
{
	if (watch.dns != NULL)
		watch.dns->close(watch.dns);
	watch.dns = NULL;
}

static void
log_step(const struct sign_key *key, enum rotation_step step,
    const struct key_look *look)
{
	static const struct {
		enum log_level level;
		const char *name;
	} steps[] = {
		[ROTATION_SAME] = { LOG_LEVEL_INFO, "waits" },
		[ROTATION_SEEN] = { LOG_LEVEL_INFO, "published" },
		[ROTATION_READY] = { LOG_LEVEL_INFO, "usable" },
		[ROTATION_LOST] = { LOG_LEVEL_WARNING, "record_lost" },
	};
	char text[LOOK_TEXT_MAX];
	struct buf b = buf_wrap(text, sizeof(text));
	struct log_line l;

	key_look_put(&b, look);
	log_begin(&l, steps[step].level, "sign_key");
	log_text(&l, "step", steps[step].name);
	log_text(&l, "domain", key->domain);
	log_text(&l, "selector", key->selector);
	if (step == ROTATION_SEEN)
		log_number(&l, "usable_after_s", key->state.wait);
	log_text(&l, "look", text);
	if (look->finding == ROTATION_UNKNOWN)
		log_text(&l, "text", key_fault_text(KEY_FAULT_FAILED));
	log_end(&l);
}

/* Logs which keys of a domain sign now, and warns about keys without a
 * record. */
static void
log_decision(const struct sign_domain *domain)
{
	struct log_line l;

	for (size_t i = 0; i < SIGN_KEYS_PER_DOMAIN; i++) {
		const struct sign_key *key = atomic_load(&domain->chosen[i]);
		bool alarm = key != NULL && key->phase == ROTATION_ALARM;

		if (key == NULL)
			continue;
		log_begin(
		    &l, alarm ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "sign_key");
		log_text(&l, "step", alarm ? "alarm" : "signs");
		log_text(&l, "domain", domain->name);
		log_text(&l, "selector", key->selector);
		if (alarm)
			log_text(&l, "text",
			    "this key signs, but its record is not in DNS and "
			    "no other key has one; run: avouch key check");
		log_end(&l);
	}
}

/* Applies the result of a check.  Call with the lock held. */
static void
apply_look(const struct sign_keys *keys, struct sign_domain *domain,
    struct sign_key *key, const struct key_look *look, int64_t now)
{
	enum rotation_phase before = key->phase;
	enum rotation_step step =
	    rotation_observe(&key->state, look->finding, look->wait, now);
	bool moved, remind;

	/* Save the loss before it takes effect: even if the daemon is killed
	 * now, a lost key must not sign again after the restart. */
	if (step == ROTATION_LOST)
		state_save(keys);
	moved = sign_keys_decide(domain);
	if (step != ROTATION_SAME) {
		key->quiet = 0;
		watch.is_dirty = true;
		/* check the domain's other keys immediately: one may have to
		 * replace this key */
		for (size_t i = 0; i < domain->n_keys; i++)
			if (domain->keys[i] != key && step == ROTATION_LOST)
				domain->keys[i]->next_look = now;
	}
	remind = key->quiet == 0 || key->logged > now ||
	    (now - key->logged >= REMIND_S && key->phase != ROTATION_RETIRED);
	if (step != ROTATION_SAME || (remind && !key->state.ready)) {
		key->logged = now;
		log_step(key, step, look);
	}
	if (moved ||
	    (key->phase == ROTATION_ALARM && (before != key->phase || remind)))
		log_decision(domain);
	key->next_look = now + rotation_next_look(&key->state, key->quiet, now);
	key->quiet++;
}

/* Checks a key.  Ignores the result if the set of keys was replaced
 * meanwhile. */
static void
look_at(const struct key_looker *looker, const struct sign_keys *keys,
    struct sign_domain *domain, struct sign_key *key)
{
	const struct signing *current;
	struct key_look look;

	key_look_at(looker, key, &look);
	atomic_fetch_add(&watch.looks, 1);
	if (look.finding == ROTATION_UNKNOWN)
		atomic_fetch_add(&watch.unknown, 1);
	pthread_mutex_lock(&watch.lock);
	current = signing_ref();
	if (current != NULL && current->keys == keys)
		apply_look(keys, domain, key, &look, clock_now().now);
	if (watch.is_dirty)
		state_save(keys);
	signing_unref(current);
	pthread_mutex_unlock(&watch.lock);
}

static bool
folder_is_due(void)
{
	int64_t now = clock_now().now;

	return now >= watch.folder_next || watch.folder_next > now + FOLDER_S ||
	    folder_time(watch.conf->sign.keys) != watch.folder_time;
}

static bool
must_leave(void)
{
	bool leave;

	pthread_mutex_lock(&watch.lock);
	leave = watch.stop || watch.next_conf != NULL;
	pthread_mutex_unlock(&watch.lock);
	return leave || folder_is_due();
}

/* Checks all keys that are due.  Returns early if there is something more
 * urgent to do, such as to read that a key was revoked. */
static void
look_round(const struct sign_keys *keys)
{
	size_t n, at;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);
	struct key_looker looker;

	for (size_t i = 0; i < n; i++) {
		at = (watch.round_start + i) % n;
		for (size_t k = 0; k < domains[at]->n_keys; k++) {
			struct sign_key *key = domains[at]->keys[k];

			if (key->revoked > 0 ||
			    !rotation_look_is_due(
				key->next_look, clock_now().now))
				continue;
			if (must_leave() || !looker_open(&looker)) {
				watch.round_start = at;
				return;
			}
			look_at(&looker, keys, domains[at], key);
		}
	}
}

/* ---- pauses in our own mail ---- */

static void
log_silence(int64_t now)
{
	const struct pauses *p = &watch.pauses;
	struct log_line l;

	log_begin(&l, p->is_silent ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	    "sign_silence");
	log_text(&l, "step", p->is_silent ? "began" : "ended");
	log_number(&l, "pause_s", now - p->last);
	log_number(&l, "longest_pause_s", pauses_longest(p, now));
	if (p->is_silent)
		log_text(&l, "text",
		    "no mail of our own has arrived for signing for more than "
		    "twice the longest pause of the last four weeks; does the "
		    "mail system still send it here?  Run: avouch sign test");
	log_end(&l);
}

static void
check_pauses(int64_t now)
{
	bool changed;

	if (!watch.has_pauses)
		return;
	pthread_mutex_lock(&watch.lock);
	changed = pauses_note(&watch.pauses, sign_sink_last_message(), now);
	sign_sink_set_pauses(watch.pauses.last,
	    pauses_longest(&watch.pauses, now), watch.pauses.is_silent);
	if (changed)
		log_silence(now);
	pthread_mutex_unlock(&watch.lock);
}

/* ---- the thread ---- */

/* Switches to the new configuration and makes all keys due for a check.  Call
 * with the lock held. */
static void
take_reload(void)
{
	const struct signing *s = signing_ref();
	size_t n = 0;
	struct sign_domain *const *domains =
	    s != NULL ? sign_keys_domains(s->keys, &n) : NULL;

	conf_unref(watch.conf);
	watch.conf = watch.next_conf;
	watch.next_conf = NULL;
	set_state_path(watch.conf);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			domains[i]->keys[k]->next_look = 0;
			domains[i]->keys[k]->quiet = 0;
		}
	watch.is_dirty = true;
	signing_unref(s);
}

static void
watch_turn(void)
{
	int64_t now = clock_now().now;
	const struct signing *s;

	if (folder_is_due())
		check_folder(now);
	check_pauses(now);
	s = signing_ref();
	if (s != NULL) {
		look_round(s->keys);
		pthread_mutex_lock(&watch.lock);
		if (collect_used(s->keys, clock_now().now) || watch.is_dirty)
			state_save(s->keys);
		pthread_mutex_unlock(&watch.lock);
	}
	looker_close();
	signing_unref(s);
}

static void *
watch_run(void *arg)
{
	struct timespec until;

	(void)arg;
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&watch.lock);
	while (!watch.stop) {
		if (watch.next_conf != NULL)
			take_reload();
		pthread_mutex_unlock(&watch.lock);
		watch_turn();
		pthread_mutex_lock(&watch.lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += TURN_MS / 1000;
		if (!watch.stop && watch.next_conf == NULL)
			(void)pthread_cond_timedwait(
			    &watch.wake, &watch.lock, &until);
	}
	pthread_mutex_unlock(&watch.lock);
	return NULL;
}

/* With the wall clock, a wait would last as long as the clock is set back. */
static bool
init_wake(void)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&watch.wake, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

bool
key_watch_start(const struct conf *conf, const char *process)
{
	const struct signing *s = signing_ref();

	if (conf->sign.keys == NULL) {
		signing_unref(s);
		return true;
	}
	watch.has_pauses =
	    service_role() == SERVICE_SIGN || conf->sign.socket == NULL;
	snprintf(watch.process, sizeof(watch.process), "%s", process);
	watch.conf = conf_ref(conf);
	watch.folder_time = folder_time(conf->sign.keys);
	watch.folder_mark = folder_mark(conf->sign.keys);
	watch.folder_next = clock_now().now + FOLDER_S;
	set_state_path(conf);
	if (s != NULL) {
		pthread_mutex_lock(&watch.lock);
		state_load(s->keys);
		watch.is_dirty = true;
		pthread_mutex_unlock(&watch.lock);
	}
	signing_unref(s);
	watch.started = init_wake() &&
	    pthread_create(&watch.thread, NULL, watch_run, NULL) == 0;
	return watch.started;
}

void
key_watch_reload(const struct conf *conf)
{
	if (!watch.started || conf->sign.keys == NULL)
		return;
	pthread_mutex_lock(&watch.lock);
	conf_unref(watch.next_conf);
	watch.next_conf = conf_ref(conf);
	pthread_cond_signal(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
}

void
key_watch_stop(void)
{
	const struct signing *s = signing_ref();
	struct timespec until;

	if (watch.started) {
		pthread_mutex_lock(&watch.lock);
		watch.stop = true;
		if (s != NULL) {
			(void)collect_used(s->keys, clock_now().now);
			if (watch.has_pauses)
				(void)pauses_note(&watch.pauses,
				    sign_sink_last_message(), clock_now().now);
			state_save(s->keys);
		}
		pthread_cond_signal(&watch.wake);
		pthread_mutex_unlock(&watch.lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += STOP_S;
		if (pthread_timedjoin_np(watch.thread, NULL, &until) == 0) {
			conf_unref(watch.conf);
			conf_unref(watch.next_conf);
			watch.conf = watch.next_conf = NULL;
		}
	}
	signing_unref(s);
}

enum { PHASES = ROTATION_REVOKED + 1 };

/* Counts the keys in each phase.  Returns the number of domains without a key
 * that signs.  Call with the lock held. */
static size_t
count_phases(const struct sign_keys *keys, size_t phases[PHASES])
{
	size_t n, unsigned_domains = 0;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);

	for (size_t i = 0; i < n; i++) {
		bool signs = false;

		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			enum rotation_phase phase = domains[i]->keys[k]->phase;

			phases[phase]++;
			signs |=
			    phase == ROTATION_ACTIVE || phase == ROTATION_ALARM;
		}
		unsigned_domains += !signs;
	}
	return unsigned_domains;
}

void
key_watch_put_metrics(struct buf *page)
{
	const struct signing *s = signing_ref();
	size_t phases[PHASES] = { 0 }, unsigned_domains = 0;

	if (s != NULL) {
		pthread_mutex_lock(&watch.lock);
		unsigned_domains = count_phases(s->keys, phases);
		pthread_mutex_unlock(&watch.lock);
	}
	buf_text(page,
	    "# HELP avouch_sign_keys Signing keys by state; alarm: the record "
	    "of a key that signs is missing.\n# TYPE avouch_sign_keys gauge\n");
	for (size_t i = 0; i < PHASES; i++)
		buf_printf(page, "avouch_sign_keys{state=\"%s\"} %zu\n",
		    rotation_phase_name((enum rotation_phase)i), phases[i]);
	buf_printf(page,
	    "# HELP avouch_sign_domains_without_key Domains that have keys, "
	    "but none that may sign.\n"
	    "# TYPE avouch_sign_domains_without_key gauge\n"
	    "avouch_sign_domains_without_key %zu\n"
	    "# HELP avouch_sign_key_looks_total DNS checks of the records of "
	    "our keys.\n"
	    "# TYPE avouch_sign_key_looks_total counter\n"
	    "avouch_sign_key_looks_total %llu\n"
	    "# HELP avouch_sign_key_looks_unknown_total DNS checks of key "
	    "records that got no answer.\n"
	    "# TYPE avouch_sign_key_looks_unknown_total counter\n"
	    "avouch_sign_key_looks_unknown_total %llu\n",
	    unsigned_domains, (unsigned long long)atomic_load(&watch.looks),
	    (unsigned long long)atomic_load(&watch.unknown));
	signing_unref(s);
}
