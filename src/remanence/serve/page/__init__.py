"""The web page: plain forms and links over the same verbs, made on the server; scripts only make it quicker to use."""
