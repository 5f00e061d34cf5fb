/* redact_run.c - see redact_run.h */
#include "dataset/redaction/redact_run.h"

void redact_run_fail(struct redact_run *run, const struct error *error) {
  pthread_mutex_lock(&run->mutex);
  if (!atomic_exchange(&run->failed, true)) run->error = *error;
  pthread_mutex_unlock(&run->mutex);
}
