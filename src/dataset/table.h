/* table.h - the rows of a CSV file, judged
 *
 * A row is dropped if its tweet (`id_str`, `id`, `tweet_id`, `status_id`), its author (`author_id`,
 * `author.id`, `user_id`) or the tweet that it retweets (`referenced_tweets.retweeted.id`) is
 * condemned. Scrubbing empties the columns `geo`, `coordinates`, `place` and those whose names
 * begin with `geo.` or `place.`. A table with names of users but neither authors nor texts is one
 * of users.
 */
#ifndef XCOMPLIANCE_TABLE_H
#define XCOMPLIANCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "dataset/batch.h"
#include "dataset/csv.h"
#include "dataset/reader.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct table {
  struct csv csv;
  char *header; /* with its line end, for the quarantine */
  size_t header_size;
  /* private */
  int cells[COLUMN_ROLES]; /* places in csv.cells; -1: no such column */
  uint32_t places;         /* the cells that scrubbing empties: csv.cells[places ...) */
  bool user, header_passed;
};

/* Reads the header, which stays in the window until the first rows are taken. `*table` must be
 * zeroed; table_close it in any case. False with `error` filled. */
bool table_open(struct table *table, struct reader *reader, const struct batch_rules *rules,
                struct error *error);

/* Judges the rows in the reader's window, and the header before the first of them. Returns how many
 * bytes were used, which the caller consumes once the batch is written; 0 where the window holds no
 * whole row. Where `reader->ended` all is used. */
size_t table_rows(struct table *table, struct reader *reader, struct batch *batch);

void table_close(struct table *table);

#pragma GCC visibility pop

#endif
