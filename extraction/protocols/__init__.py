"""A review's set-up as a file: vocabulary, settings, checks and rules, to start from and to hand on.

`shipped` reads the templates that come with the application, `content` says what a set-up looks like and checks one,
`start` holds the verbs: a review from a set-up, and a template from a review.
"""
