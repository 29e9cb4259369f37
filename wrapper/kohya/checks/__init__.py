"""What a training file, a dataset file and their folders are checked for, a file a subject."""
