from django.urls import path

from shop import views

urlpatterns = [path("reset", views.reset, name="reset")]
