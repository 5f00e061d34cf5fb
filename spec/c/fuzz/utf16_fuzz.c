/* utf16_fuzz.c - any bytes as UTF-16: converting there and back gives the same bytes, in pieces of
 * any size
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/bytes/utf16.h"

static void expect(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum encoding encoding;
  size_t step, made = 0, used = 0, back = 0;
  char *text = malloc(2 * size + 8);
  unsigned char *again = malloc(4 * size + 8);
  if (size < 2 || !text || !again) goto done;
  encoding = data[0] & 1 ? ENCODING_UTF16_BIG : ENCODING_UTF16_LITTLE;
  step = 4 + (size_t)(data[0] >> 1);
  data++;
  size = (size - 1) & ~(size_t)1;
  while (used < size) {
    size_t now = size - used < step ? size - used : step;
    bool last = used + now == size;
    made += utf16_decode(encoding, data + used, &now, last, text + made);
    expect(now > 0);
    used += now;
  }
  expect(made <= size / 2 * 3);
  for (used = 0; used < made;) {
    size_t now = made - used < step ? made - used : step;
    back += utf16_encode(encoding, text + used, &now, again + back);
    expect(now > 0);
    used += now;
  }
  expect(back == size && memcmp(again, data, size) == 0);
done:
  free(text);
  free(again);
  return 0;
}
