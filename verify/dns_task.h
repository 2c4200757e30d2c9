/*
 * dns_task.h - runs one core until it has a result: the core asks questions;
 * the task sends them, and runs the core again when the answers have arrived.
 *
 * A task has its own questions, scratch arena and lock.  Its core runs in the
 * thread that starts the task, and later in the thread that delivers the last
 * answer it is waiting for.  One thread waits once for the result, with a
 * deadline.
 */
#ifndef AVOUCH_VERIFY_DNS_TASK_H
#define AVOUCH_VERIFY_DNS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/source.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/core_status.h"

struct dns_task;

/* The core is called under the task's lock, with `scratch` rewound.  What it
 * leaves in `scratch` on CORE_DONE is valid until the task is freed. */
typedef enum core_status dns_task_core(
    void *facts, struct dns_questions *questions, struct arena *scratch);

struct dns_task_counts {
	unsigned runs;  /* times the core ran */
	unsigned waves; /* batches of questions sent */
	unsigned questions;
	bool gave_up; /* dns_task_wait() has returned false, or will return
	                 false */
};

/*
 * Runs `step` and sends its questions.  `facts` and `source` must live until
 * dns_task_free() has returned.  `max_questions` limits the number of
 * questions, and `memory` the size of the scratch arena in bytes.  Returns NULL
 * if memory ran out.
 */
struct dns_task *dns_task_start(struct dns_source *source, dns_task_core *step,
    void *facts, size_t max_questions, size_t memory);

/*
 * Waits until the core is done.  At `deadline` (clock_ms()), pending questions
 * fail with DNS_ERROR_BUDGET, and the core finishes with these errors.  After
 * this call the core is never run again.  Returns false if a lack of resources
 * on this host may have changed the result: the deadline passed, the limit on
 * questions was reached, the scratch arena was full, or a question failed for
 * such a reason.
 */
bool dns_task_wait(struct dns_task *j, int64_t deadline);

/* Waits until the core is done or the time `until` (clock_ms()) is reached.
 * Does not expire questions.  Returns whether the core is done. */
bool dns_task_done_by(struct dns_task *j, int64_t until);

/* Call these after dns_task_wait().  All questions have answers
 * (DNS_ERROR_BUDGET for a prefetched question that was still pending); the
 * scratch arena contains the results. */
struct dns_questions *dns_task_questions(struct dns_task *j);
struct arena *dns_task_scratch(struct dns_task *j);
struct dns_task_counts dns_task_count(struct dns_task *j);

/*
 * Cancels the task if it is running, and releases it: the core never runs
 * again.  Later answers are ignored; the last one frees the task.  `j` may be
 * NULL.
 */
void dns_task_free(struct dns_task *j);

#endif
