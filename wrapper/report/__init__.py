"""One page that shows a whole job."""
