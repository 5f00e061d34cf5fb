/* redact_run.h - what the files and the threads of a redaction share */
#ifndef XCOMPLIANCE_REDACT_RUN_H
#define XCOMPLIANCE_REDACT_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "dataset/files/targets.h"
#include "dataset/redaction/redact_options.h"
#include "dataset/redaction/redact_records.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* Shared by all files of a run. */
struct redact_run {
  struct task *task;
  const struct redact_options *options;
  struct batch_rules rules;
  struct targets *targets;
  unsigned jobs;
  struct id_list rehydrate;
  pthread_mutex_t mutex; /* for the fields above that change, and: */
  struct error error;    /* the first */
  atomic_bool failed;
};

/* Notes the first error. */
void redact_run_fail(struct redact_run *run, const struct error *error);

/* The state of one thread. */
struct redact_worker {
  struct redact_records_piece piece;
  struct redact_member *member;
};

#pragma GCC visibility pop

#endif
