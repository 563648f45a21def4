"""The memory over HTTP: thin routes over the same verbs the library and the command line use."""
