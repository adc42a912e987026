"""The application: composes all the other rooms, and is imported by none of them."""
