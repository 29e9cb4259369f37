"""What a sweep would do, as data, checked before anything is trained."""
