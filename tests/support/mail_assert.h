/*
 * mail_assert.h - what must hold of a message that goes on to its recipients,
 * told by what the MTA of fake_libmilter.h was asked for.
 */
#ifndef AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H
#define AVOUCH_TESTS_SUPPORT_MAIL_ASSERT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"
#include "tests/support/fake_libmilter.h"

/*
 * One Authentication-Results of `id` was put on top, behind all other changes;
 * it reads as it was meant; those that came and say they are of `id` were
 * removed.  No result passes for `locked`, for which nobody may send.
 */
void delivered_check(const SMFICTX *m, struct span id, const char *locked);

/*
 * The signatures that were put on top are plain, and of domains with keys.
 * Unless `by_list`, the only author is of that domain or below it.  Returns
 * their number.
 */
size_t signed_check(const SMFICTX *m, bool by_list);

/* The sign socket: nothing but signatures is put on top, and what came and says
 * it is of `id` was removed. */
void signed_only_check(const SMFICTX *m, struct span id);

/* Every field of that name that came was removed. */
void delivered_without(const SMFICTX *m, const char *name);

#endif
