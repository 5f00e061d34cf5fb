/* nodlclose.c - preloaded under the sanitizers: a shared object that stays loaded keeps its symbols */
int dlclose(void *handle);

int dlclose(void *handle) {
  (void)handle;
  return 0;
}
