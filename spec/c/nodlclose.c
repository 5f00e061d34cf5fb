/* nodlclose.c - preloaded under the sanitizers: libraries that stay loaded keep their symbols */
int dlclose(void *handle);

int dlclose(void *handle) {
  (void)handle;
  return 0;
}
