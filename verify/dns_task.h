/*
 * dns_task.h - one core's way to its result: waves of questions, answers, runs.
 *
 * A job has its talk, its scratch arena and its lock.  Its core runs where the
 * job is started and then wherever the last answer that it waits for arrives;
 * whoever needs the result waits for it once, with a deadline.
 */
#ifndef AVOUCH_VERIFY_DNS_TASK_H
#define AVOUCH_VERIFY_DNS_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/source.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/core_status.h"

struct job;

/*
 * The core: called under the job's lock, with `scratch` rewound.  What it
 * leaves in `scratch` on STEP_DONE stays until the job is dropped.
 */
typedef enum step job_step(
    void *facts, struct dns_talk *talk, struct arena *scratch);

struct job_counts {
	unsigned runs;  /* of the core */
	unsigned waves; /* times questions went out */
	unsigned questions;
	bool gave_up; /* what job_wait() returns false for, now or when its
	                 answers were recorded */
};

/*
 * Runs `step` and sends what it asks.  `facts` and `source` must stay until
 * job_drop() has returned.
 * `max_questions` bounds its talk, `memory` its scratch.  NULL: no memory.
 */
struct job *job_start(struct dns_source *source, job_step *step, void *facts,
    size_t max_questions, size_t memory);

/*
 * Waits until the core is done.  At `deadline` (job_clock()) what is pending
 * becomes DNS_FAULT_BUDGET and the core runs to its end with that.  Afterwards
 * the core has run to STEP_DONE and is never run again.  False: a lack of
 * resources of ours may have changed its result: the deadline, the budget of
 * questions, the scratch, or an answer that failed for such a reason.
 */
bool job_wait(struct job *j, int64_t deadline);

/* Whether the core is done, or is by `until` (job_clock()); nothing is given
 * up. */
bool job_done_by(struct job *j, int64_t until);

/* After job_wait(): the talk with all answers (DNS_FAULT_BUDGET where one was
 * asked ahead, and not waited for), the scratch with the results. */
struct dns_talk *job_talk(struct job *j);
struct arena *job_scratch(struct job *j);
struct job_counts job_count(struct job *j);

/*
 * Cancels where needed and lets go: when it returns, the core does not run and
 * never will.  Answers that come later are taken by what is left of the job,
 * which goes with the last of them.  Takes NULL.
 */
void job_drop(struct job *j);

/* Milliseconds, monotonic. */
int64_t job_clock(void);

#endif
