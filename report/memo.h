/*
 * memo.h - which number a text got, remembered for as long as there is room:
 * the writer's way around looking up again what it has just looked up.
 *
 * Texts are known by 128 bits of hash under secrets of the process, so that
 * nobody can make two of them meet.
 */
#ifndef AVOUCH_REPORT_MEMO_H
#define AVOUCH_REPORT_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum { MEMO_SLOTS = 1 << 16 }; /* of MEMO_SLOT_BYTES each: 2 MiB */

struct memo_slot {
	uint64_t hash[2];
	int64_t id;   /* 0: nothing is known */
	int64_t used; /* the day it was last noted for */
};

struct memo;

struct memo *memo_new(void);    /* NULL: no memory */
void memo_free(struct memo *m); /* takes NULL */

/* Forgets everything. */
void memo_clear(struct memo *m);

/*
 * The slot of a text of that kind: its own, with id > 0, or one to fill in (id
 * 0), whose last text is forgotten.
 */
struct memo_slot *memo_slot(struct memo *m, unsigned kind, struct span text);

#endif
