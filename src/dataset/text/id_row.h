/* id_row.h - a row of a table or list: a tweet of which only ids are known, or a user
 *
 * What a table (csv_table.h) or an id list finds in a row, and what redaction judges (judge.h).
 */
#ifndef XCOMPLIANCE_ID_ROW_H
#define XCOMPLIANCE_ID_ROW_H

#include <stdbool.h>
#include <stdint.h>

enum id_row_role {
  ROW_OWN,
  ROW_AUTHOR,
  ROW_RETWEETED, /* of the tweet that it retweets, and that one's author */
  ROW_RETWEETED_AUTHOR,
  ROW_QUOTED, /* of the tweet that it quotes, and that one's author */
  ROW_QUOTED_AUTHOR,
};

enum { ROW_IDS_MAX = 64 };

struct id_row {
  bool user; /* the row is a user */
  uint32_t count;
  struct id_row_id {
    uint64_t id;
    enum id_row_role role;
  } ids[ROW_IDS_MAX];
  bool empty_places, empty_words; /* what JUDGED_CHANGED means: those of the quoted tweet */
};

#endif
